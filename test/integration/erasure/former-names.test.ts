import { readFile } from 'node:fs/promises'
import { journalText, recordingText, writeServerFiles } from '../../support/server-files.js'
import { on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadPeople, peopleLeft as left } from '../../support/erasure-people.js'

/** Ada and Bea get other names, and the application gives theirs to clients of its own, 4 and 5. */
const loadSuccessors = async (database: TestDatabase): Promise<void> => {
  await loadPeople(database)
  await withStore(database, async (store) => {
    await store.renameClient({ clientId: 1, username: 'ada2' })
    await store.renameClient({ clientId: 2, username: 'bea2' })
  })
  await database.load(`
    INSERT INTO "Client" ("username", "updatedAt") VALUES ('ada', now()), ('bea', now());
    INSERT INTO "ChatMessage" ("clientId", "guestUsername", "senderType", "messageType", "text") VALUES
      (4, NULL, 'CLIENT', 'TEXT', 'of the new ada'), (5, 'bea', 'CLIENT', 'TEXT', 'of the new bea')`)
}

const exported = async (database: TestDatabase, username: string): Promise<readonly string[]> => {
  const found: string[] = []
  await withStore(database, async (store) => {
    for await (const one of store.exportContact({ usernames: [username] })) {
      if (one.type === 'message') found.push(`${one.message.clientId ?? 'nobody'}: ${one.message.text ?? ''}`)
      else found.push(one.type === 'client' ? `client ${String(one.row.id)}` : one.table)
    }
  })
  return found
}

describe('a former name that somebody else has now', () => {
  test('is theirs: nothing of the client who had it is shown or deleted, also by a second run', async ({
    database,
  }) => {
    await loadSuccessors(database)
    expect(await exported(database, 'ada')).toEqual(['client 4', 'nobody: secret', '4: of the new ada'])
    expect(await exported(database, 'bea')).toEqual(['client 5', '5: of the new bea'])
    const before = Number((await left(database)).messages)
    const argv = (name: string) => ['erase', '--username', name, '--confirm', database.name]
    const preview = await on(database, 'erase', '--username', 'bea', '--dry-run')
    expect(preview.stdout).toMatch(
      /^client 5 \(registered\): deleted\nnote: client 2 is not meant: .* --client-id 2\n1 message,/m,
    )
    expect(preview.stdout).not.toMatch(/client 2 .*deleted|was renamed/)
    expect((await on(database, ...argv('bea'))).stdout).toContain('ok: 1 message deleted, 1 client deleted')
    expect((await on(database, ...argv('ada'), '--keep-client')).stdout).toContain(
      'ok: 2 messages deleted, 1 client anon',
    )
    for (const name of ['ada', 'bea'])
      expect((await on(database, ...argv(name))).stdout).toContain('ok: the database holds nothing of this person')
    expect(await left(database)).toMatchObject({
      messages: before - 3,
      clients: ['ada2', 'bea2', 'erased-4', 'eve'],
      guests: 1,
    })
  })

  test('does not count when the client who had it is erased, nor in files', async ({ database }) => {
    await loadSuccessors(database)
    const answer = (conversation: string) => ({ username: null, from: 'OPERATOR', conversation }) as const
    const files = await writeServerFiles({
      'chat.journal': journalText([
        { username: 'ada', conversation: 'new' },
        ...['new', 'name-ada', 'ada'].map(answer),
        ...['name-ada2', 'client-1'].map(answer),
      ]),
    })
    const named = ['--journal', files['chat.journal']]
    const former = await on(database, 'erase', '--client-id', '1', '--dry-run', ...named)
    expect(former.stdout).toMatch(/^301 messages, [\s\S]*^journal chat.journal: 2 lines$/m)
    const now = await on(database, 'erase', '--username', 'ada', '--dry-run', ...named)
    expect(now.stdout).toMatch(/^2 messages, [\s\S]*^journal chat.journal: 4 lines$/m)
  })

  test('is whose it was, in a recording: by the message that has the key, else by the time of the rename', async ({
    database,
  }) => {
    await loadSuccessors(database)
    await database.load(`UPDATE "Client" SET "createdAt" = '2019-01-01' WHERE "id" = 1;
      INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "idempotencyKey") VALUES
      (1, 'CLIENT', 'TEXT', 'a', 'of 1'), (4, 'CLIENT', 'TEXT', 'a', 'of 4')`)
    const [before, after] = ['2020-11-01T10:00:00Z', '2120-11-01T10:00:00Z']
    const line = (text: string, at: string, key?: string) => ({ username: 'ada', text, at, ...(key && { key }) })
    const { recording } = await writeServerFiles({
      recording: recordingText([
        line('of 1 by key', after, 'of 1'),
        line('of 1 by time', before),
        line('of 4 by key', before, 'of 4'),
        line('of 4 by time', after),
      ]),
    })
    const run = (...argv: readonly string[]) => on(database, ...argv, '--recording', recording)
    const former = await run('erase', '--client-id', '1', '--dry-run')
    expect(former.stdout).toContain('recording recording: 2 lines\n')
    expect(former.stdout).toMatch(/^note: .*: 1 line under a name that this person has or had may be of somebody else/m)
    const now = await run('erase', '--username', 'ada', '--dry-run')
    expect(now.stdout).toContain('recording recording: 2 lines\n')
    expect((await run('export', '--client-id', '4')).stdout).not.toContain('of 1 by')
    const done = await run('erase', '--client-id', '1', '--confirm', database.name)
    expect([done.exitCode, done.stdout]).toEqual([0, expect.stringContaining(', 2 lines of files deleted')])
    expect((await readFile(recording, 'utf8')).match(/of \d by \w+/g)).toEqual(['of 4 by key', 'of 4 by time'])
  })

  test('is whose it was between a rename and the creation of the next one, in a recording', async ({ database }) => {
    await loadSuccessors(database)
    await database.load(`
      UPDATE "Client" SET "createdAt" = '2020-01-01' WHERE "id" = 1;
      UPDATE "chatkeep"."client_aliases" SET "at" = '2021-01-01Z' WHERE "username" = 'ada';
      UPDATE "Client" SET "createdAt" = '2022-01-01' WHERE "id" = 4;
      DELETE FROM "ChatMessage"`)
    const { recording } = await writeServerFiles({
      recording: recordingText(
        [2019, 2020, 2021, 2022].map((year) => ({
          username: 'ada',
          text: `of ${year}`,
          at: `${year}-07-01T10:00:00Z`,
        })),
      ),
    })
    const shownTo = async (id: number) => {
      const { stdout } = await on(database, 'export', '--client-id', String(id), '--recording', recording)
      return stdout.match(/of 20\d\d/g)
    }
    expect([await shownTo(1), await shownTo(4)]).toEqual([['of 2020', 'of 2021'], ['of 2022']])
    // By then nobody knows of the former holder that there was another one before.
    await withStore(database, async (store) => {
      await store.renameClient({ clientId: 4, username: 'ada4' })
    })
    expect(await shownTo(4)).toEqual(['of 2022'])
    const argv = ['erase', '--client-id', '4', '--recording', recording]
    expect((await on(database, ...argv, '--dry-run')).stdout).toMatch(/: 3 lines under a name .*, and stay$/m)
    await on(database, ...argv, '--confirm', database.name)
    expect((await readFile(recording, 'utf8')).match(/of 20\d\d/g)).toEqual(['of 2019', 'of 2020', 'of 2021'])
  })

  test('that the application changed itself is known by the keys of messages, in a recording', async ({ database }) => {
    await loadPeople(database)
    await database.query(`UPDATE "Client" SET "username" = 'bea2' WHERE "id" = 2`)
    const { recording } = await writeServerFiles({
      recording: recordingText([{ username: 'bea', key: 'key 1' }, { username: 'bea' }, { username: 'eve' }]),
    })
    const { stdout } = await on(database, 'erase', '--client-id', '2', '--dry-run', '--recording', recording)
    expect(stdout).toMatch(/recording recording: 1 line\n[^]*: 1 line under a name that this person has or had may be/)
  })

  test('counts again when nobody has it: the client who had it is meant', async ({ database }) => {
    await loadSuccessors(database)
    await database.query(`DELETE FROM "ChatMessage" WHERE "clientId" = 4`)
    await database.query(`DELETE FROM "Client" WHERE "id" = 4`)
    const preview = await on(database, 'erase', '--username', 'ada', '--dry-run')
    expect(preview.stdout).toContain('client 1 (registered): deleted\nnote: client 1 was renamed')
  })

  test('of a client that the application renamed leads to a note of that client, though nothing else is found', async ({
    database,
  }) => {
    await loadPeople(database)
    await database.query(`UPDATE "Client" SET "username" = 'bea2' WHERE "id" = 2`)
    for (const flags of [['--dry-run'], ['--confirm', database.name]]) {
      const { stdout } = await on(database, 'erase', '--username', 'bea', ...flags)
      expect(stdout).toMatch(/note: client 2 is not meant: [\s\S]*holds nothing of this person/)
    }
    const nothing = await on(database, 'export', '--username', 'bea')
    expect([nothing.exitCode, nothing.stderr]).toEqual([1, expect.stringContaining('note: client 2 is not meant')])
    await withStore(database, async (store) => {
      expect(await store.eraseContact({ usernames: ['bea'] })).toEqual({
        messages: 0,
        clientIds: [],
        otherClientIds: [2],
      })
    })
  })

  test('makes a phone under it prove what it proves under the name of the client who has it', async ({ database }) => {
    await loadPeople(database)
    await withStore(database, (store) => store.renameClient({ clientId: 3, username: 'eve2' }))
    await database.load(`
      INSERT INTO "Client" ("username", "updatedAt") VALUES ('eve', now()); INSERT INTO "chatkeep"."guest_clients" VALUES (4);
      INSERT INTO "ChatMessage" ("guestUsername", "guestPhone", "senderType", "messageType", "text") VALUES ('eve', '+7', 'CLIENT', 'TEXT', 'a')`)
    const preview = await on(database, 'erase', '--phone', '+7', '--dry-run')
    expect(preview.stdout).toContain('client 4 (made of a guest): deleted')
    expect(preview.stdout).toMatch(/^1 message, /m)
  })
})
