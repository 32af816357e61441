import { ExitCode, OperatorError } from '../../../src/errors.js'
import { startChatServer } from '../../../src/server/chat-server.js'
import { checksum, migrated, on, withStore } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { untilWaiting, whileBlocked } from '../../support/socket-chat.js'

const play = (database: TestDatabase, ...argv: readonly string[]) =>
  on(database, 'replay', '--scenario', 'guest-flow', ...argv)

/** Lets the database do something of its own with what the scenario writes. */
const interfere = (database: TestDatabase, when: string, statement: string): Promise<void> =>
  database.load(`
    CREATE FUNCTION interfere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${statement} END $$;
    CREATE TRIGGER interfere ${when} ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION interfere();`)

const leftovers = (database: TestDatabase): Promise<unknown[]> =>
  database.query(
    `SELECT "username" FROM "Client" WHERE "username" LIKE 'chatkeep-smoke-%'
     UNION SELECT "guestUsername" FROM "ChatMessage" WHERE "guestUsername" LIKE 'chatkeep-smoke-%'`,
  )

describe('the guest flow', () => {
  test('passes, and leaves the database as it was', async ({ database }) => {
    await migrated(database, 'crm-before')
    const before = [await checksum(database, 'ChatMessage'), await checksum(database, 'Client')]
    const { exitCode, stdout, stderr } = await play(database)

    expect(stderr).toMatch(/^playing guest-flow over the socket into .*\n$/)
    expect(stdout.replace(/(?<=smoke-)[0-9a-f]{12}|\d+/g, '#')).toBe(`ok    new guest
      expected: message saved, one client of that name made, and the message carries both clientId and guestUsername
      found:    message # with clientId # and guestUsername chatkeep-smoke-#-guest
ok    existing client
      expected: message saved with the clientId that was there before, and no second client made
      found:    messages #, # with clientId # and guestUsername chatkeep-smoke-#-client
ok    guest comes back
      expected: both messages linked to the same client, and the guest is shown both
      found:    messages #, # with clientId # and guestUsername chatkeep-smoke-#-returning; the history over the socket shows #

ok: # of # cases passed; removed its rows: # messages, # clients
`)
    expect(stdout).toContain('ok: 3 of 3 cases passed; removed its rows: 5 messages, 3 clients\n')
    expect(exitCode).toBe(0)
    expect([await checksum(database, 'ChatMessage'), await checksum(database, 'Client')]).toEqual(before)
  })

  test('keeps its rows with --keep', async ({ database }) => {
    await migrated(database)
    const { exitCode, stdout } = await play(database, '--keep')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('ok: 3 of 3 cases passed; kept its rows under the names chatkeep-smoke-')
    expect(await leftovers(database)).toHaveLength(3)
  })

  test('uses a server that runs already', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const server = await startChatServer({ store, port: 0 })
      try {
        const { exitCode, stdout } = await play(database, '--url', server.url, '--json')
        expect(exitCode).toBe(0)
        expect(JSON.parse(stdout)).toMatchObject({
          ok: true,
          scenario: 'guest-flow',
          url: server.url,
          cases: [
            { name: 'new guest', ok: true },
            { name: 'existing client', ok: true },
            { name: 'guest comes back', ok: true },
          ],
          removal: { kind: 'removed', messages: 5, clients: 3 },
        })
      } finally {
        await server.close()
      }
    })
    expect(await leftovers(database)).toEqual([])
  })
})

describe('the guest flow fails, and cleans up all the same,', () => {
  test.for<[string, string, string, string]>([
    ['when messages lose their client', 'BEFORE INSERT', 'NEW."clientId" := NULL; RETURN NEW;', 'has no clientId'],
    ['when messages lose their name', 'BEFORE INSERT', 'NEW."guestUsername" := NULL; RETURN NEW;', 'was found 0 times'],
    [
      'when messages lose both',
      'BEFORE INSERT',
      'NEW."clientId" := NULL; NEW."guestUsername" := NULL; RETURN NEW;',
      'was found 0 times',
    ],
    [
      'when messages vanish',
      'AFTER INSERT',
      'DELETE FROM "ChatMessage" WHERE "id" = NEW."id"; RETURN NEW;',
      'the message "Hello" was acknowledged and was found 0 times',
    ],
    [
      'when messages cannot be saved',
      'BEFORE INSERT',
      `RAISE 'no room';`,
      'the chat server refused: the database refused this',
    ],
  ])('%s', async ([, when, statement, found], { database }) => {
    await migrated(database)
    await interfere(database, when, statement)
    const { exitCode, stdout, stderr } = await play(database)
    expect(exitCode, stderr).toBe(1)
    expect(stdout).toMatch(/^FAIL {2}new guest\n/)
    expect(stdout).toContain(found)
    expect(stdout).toMatch(/FAIL: \d of 3 cases passed; removed its rows: /)
    expect(await database.query('SELECT FROM "Client"')).toEqual([])
    expect(await database.query('SELECT FROM "ChatMessage"')).toEqual([])
  })

  test('unless it is the cleaning up that fails: then it names what it leaves behind', async ({ database }) => {
    await migrated(database)
    await interfere(database, 'BEFORE DELETE', `RAISE 'messages are never deleted here';`)
    const { exitCode, stdout } = await play(database)
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/FAIL: 3 of 3 cases passed; could not remove its rows under the names chatkeep-smoke-/)
    expect(stdout).toContain('messages are never deleted here')
    expect(await leftovers(database)).toHaveLength(3)
  })
})

test('the guest flow is not played on a database that was not migrated', async ({ database }) => {
  await loadFixture(database, 'crm-before')
  const { exitCode, stderr } = await play(database)
  expect(exitCode).toBe(1)
  expect(stderr).toContain('hint: chatkeep migrate')
  expect(await database.query(`SELECT FROM "Client" WHERE "username" LIKE 'chatkeep-smoke-%'`)).toEqual([])
})

test('the guest flow cleans up after Ctrl-C, and says so', async ({ database }) => {
  await migrated(database)
  const interruption = new AbortController()
  await whileBlocked(database, async (release) => {
    const argv = ['replay', '--scenario', 'guest-flow', '--database-url', database.url]
    const running = runChatkeep(argv, { signal: interruption.signal })
    await untilWaiting(database, 1)
    interruption.abort(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: ExitCode.interrupted }))
    await release()
    const { exitCode, stdout, stderr } = await running
    expect([exitCode, stdout]).toEqual([130, ''])
    expect(stderr).toContain('error: ended by SIGINT\n  removed its rows: 1 message, 1 client\n')
  })
  expect(await leftovers(database)).toEqual([])
})
