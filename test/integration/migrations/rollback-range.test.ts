import { migrated, on } from '../../support/chat.js'
import { cutRun } from '../../support/cut-run.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { catalogOf, dataOf, historyOf } from '../../support/database-state.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { watchStatements } from '../../support/statement-watch.js'
import { readMessages } from '../../support/wire-messages.js'
import { MIGRATION_COUNT, migrationId } from '../../support/migration-list.js'
import { BASE_MIGRATION } from '../../../src/migrations/ledger/migration-names.js'

const BEFORE_KEY = migrationId('add-idempotency-key') - 1
const KEY_INDEX = migrationId('index-idempotency-key')
const UNVERIFIED = migrationId('mark-unverified-guests')
const UNREAD = migrationId('index-unread')
const UNLINKED = migrationId('index-unlinked')

const rollBack = (database: TestDatabase, ...flags: readonly string[]) =>
  on(database, 'rollback', '--confirm', database.name, ...flags)

const withGuests = async (database: TestDatabase): Promise<void> => {
  await loadFixture(database, 'crm-before')
  await database.query('DELETE FROM "ChatMessage" WHERE "id" > 20')
  await migrated(database)
  await database.load(`
    INSERT INTO "chatkeep"."guest_clients" VALUES (1);
    INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "guestUsername", "guestPhone", "idempotencyKey", "guestUnverified")
    VALUES (1, 'CLIENT', 'TEXT', 'linked', 'client1', '+1', 'key 1', true),
      (NULL, 'CLIENT', 'TEXT', 'waiting', 'wanda', '+2', 'key 2', false)`)
}

const NOBODY = `INSERT INTO "ChatMessage" ("senderType", "messageType", "guestPhone", "idempotencyKey") VALUES ('CLIENT', 'TEXT', '+3', 'key 3') RETURNING "id"`

describe('rollback --to', () => {
  test('any migration undoes what came after it, and migrate puts all of it back', async ({ database }) => {
    await withGuests(database)
    await database.query(NOBODY)
    const before = [await catalogOf(database), await dataOf(database)]
    for (let to = BASE_MIGRATION; to < MIGRATION_COUNT; to += 1) {
      const back = await rollBack(database, '--to', String(to))
      expect(back.exitCode, back.stderr).toBe(0)
      expect((await historyOf(database)).length, back.stdout).toBe(to + 1)
      const forth = await on(database, 'migrate')
      expect(forth.exitCode, forth.stderr).toBe(0)
      expect([await catalogOf(database), await dataOf(database)], `--to ${to}`).toEqual(before)
    }
  })

  test('in steps leaves the same as at once, and comes back the same', async ({ database }) => {
    await withGuests(database)
    await database.query(NOBODY)
    const before = await dataOf(database)
    for (const to of [UNLINKED, KEY_INDEX, BEFORE_KEY, BASE_MIGRATION])
      expect((await rollBack(database, '--to', String(to))).exitCode).toBe(0)
    expect((await on(database, 'verify', '--expect', 'rolled-back')).exitCode).toBe(0)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await dataOf(database)).toEqual(before)
  })

  test('touches and counts only what its range costs', async ({ database }) => {
    await withGuests(database)
    await database.query(NOBODY)
    const priceOf = async (to: number): Promise<unknown> => {
      const { stdout } = await on(database, 'rollback', '--to', String(to), '--dry-run', '--json')
      return (JSON.parse(stdout) as { price: unknown }).price
    }
    const nothing = {
      guestMessages: 0,
      messagesWithKey: 0,
      unverifiedMessages: 0,
      messagesToLink: 0,
      clientsToCreate: 0,
      messagesToRemove: 0,
    }
    expect(await priceOf(UNVERIFIED)).toMatchObject(nothing)
    expect(await priceOf(KEY_INDEX)).toMatchObject({ ...nothing, unverifiedMessages: 1 })
    expect(await priceOf(BEFORE_KEY)).toMatchObject({ ...nothing, unverifiedMessages: 1, messagesWithKey: 3 })
    expect(await priceOf(BASE_MIGRATION)).toMatchObject({
      guestMessages: 3,
      messagesToLink: 1,
      clientsToCreate: 1,
      messagesToRemove: 1,
    })
    await rollBack(database, '--to', String(BEFORE_KEY))
    expect(
      await database.query(
        'SELECT "guestUsername", "guestPhone", "linkedClientId" FROM "chatkeep"."archive" GROUP BY 1, 2, 3',
      ),
    ).toEqual([{ guestUsername: null, guestPhone: null, linkedClientId: null }])
    expect(await database.query(`SELECT 1 FROM "ChatMessage" WHERE "clientId" IS NULL`)).toHaveLength(2)
  })

  test('a migration that is not applied is refused, and the confirmation asked for keeps the number', async ({
    database,
  }) => {
    await withGuests(database)
    await rollBack(database, '--to', String(UNREAD))
    const missing = await rollBack(database, '--to', String(MIGRATION_COUNT - 1))
    expect([missing.exitCode, missing.stderr]).toEqual([
      2,
      expect.stringContaining(`hint: name a migration from ${BASE_MIGRATION} to ${UNREAD}`),
    ])
    const unconfirmed = await on(database, 'rollback', '--to', '4', '--on-orphans', 'abort')
    expect([unconfirmed.exitCode, unconfirmed.stderr]).toEqual([
      5,
      expect.stringMatching(
        new RegExp(
          `hint: chatkeep rollback --to 4 --on-orphans abort --plan-hash [0-9a-f]{16} --confirm ${database.name}`,
        ),
      ),
    ])
  })

  test('does not take the place of a wider one that was cut', async ({ database }) => {
    await withGuests(database)
    const before = await dataOf(database)
    await cutRun(database, ['rollback', '--confirm', database.name], 'cut before', (sql) =>
      sql.startsWith('DROP INDEX'),
    )
    const narrower = await rollBack(database, '--to', String(UNLINKED))
    expect([narrower.exitCode, narrower.stderr]).toEqual([
      5,
      expect.stringContaining(
        `an earlier rollback to migration ${BASE_MIGRATION} did not finish, so a rollback to ${UNLINKED} cannot begin; nothing was changed`,
      ),
    ])
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect((await rollBack(database, '--to', String(UNLINKED))).exitCode).toBe(0)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await dataOf(database)).toEqual(before)
  })
})

describe('rollback --on-orphans abort', () => {
  test('goes ahead where every message can have its client', async ({ database }) => {
    await withGuests(database)
    const { exitCode, stderr } = await rollBack(database, '--on-orphans', 'abort')
    expect(exitCode, stderr).toBe(0)
  })

  test.for([
    ['of nobody', NOBODY, ''],
    [
      'of a guest whom the rules of the application refuse',
      '',
      `ALTER TABLE "Client" ADD CONSTRAINT "short" CHECK ("username" <> 'wanda') NOT VALID`,
    ],
  ])(
    'is refused before anything is touched, with ids, where there is a message %s',
    async ([, insert = '', rule = ''], { database }) => {
      await withGuests(database)
      if (insert !== '') await database.query(insert)
      if (rule !== '') await database.query(rule)
      const [last] = await database.query<{ id: number }>('SELECT max("id") AS id FROM "ChatMessage"')
      const before = [await catalogOf(database), await dataOf(database)]
      const { exitCode, stderr } = await rollBack(database, '--on-orphans', 'abort')
      expect([exitCode, stderr]).toEqual([
        5,
        expect.stringContaining('1 message has neither a client nor a usable guest name; nothing was changed'),
      ])
      expect(stderr).toContain(`"ChatMessage" id ${last?.id}\n`)
      expect([await catalogOf(database), await dataOf(database)]).toEqual(before)
    },
  )

  test('looks again under the guard, drops nothing, and leaves both ways open', async ({ database }) => {
    await withGuests(database)
    const before = await dataOf(database)
    let late: Promise<unknown> | undefined
    const tap = watchStatements((sql) => {
      // The statement that begins the last search waits behind the insert: both are on the way at the same time.
      if (late === undefined && sql.includes('SELECT DISTINCT "guestUsername"'))
        return () => void (late = database.query(NOBODY))
      return 'pass'
    })
    await withProxy(
      database.url,
      async ({ url }) => {
        const { exitCode, stderr } = await runChatkeep([
          'rollback',
          '--on-orphans',
          'abort',
          '--confirm',
          database.name,
          '--database-url',
          url,
        ])
        expect([exitCode, stderr]).toEqual([
          5,
          expect.stringContaining('nothing was dropped; messages archived and linked so far are kept'),
        ])
      },
      tap,
    )
    await late
    expect(await database.query(`SELECT 1 FROM pg_constraint WHERE conname = 'chatkeep_clientId_not_null'`)).toEqual([])
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    await database.query(`DELETE FROM "ChatMessage" WHERE "guestPhone" = '+3'`)
    expect(await dataOf(database)).toEqual(before)
  })
})

test('rollback takes no message out to which rows of other tables refer', async ({ database }) => {
  await withGuests(database)
  await database.query(NOBODY)
  await database.load(`
    CREATE TABLE "Attachment" ("messageId" integer REFERENCES "ChatMessage" ON DELETE CASCADE);
    INSERT INTO "Attachment" SELECT max("id") FROM "ChatMessage"`)
  const { exitCode, stderr } = await rollBack(database)
  expect([exitCode, stderr]).toEqual([
    5,
    expect.stringContaining('rows of public."Attachment" reference them; nothing was changed'),
  ])
  expect(await database.query('SELECT count(*)::integer AS rows FROM "Attachment"')).toEqual([{ rows: 1 }])
})

test('rollback makes clientId NOT NULL again without reading the table under its exclusive lock', async ({
  database,
}) => {
  await withGuests(database)
  // Our sessions set it, so the setting of a database would tell nothing.
  await database.load(`
    CREATE FUNCTION listen() RETURNS event_trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM set_config('client_min_messages', 'debug1', true); END $$;
    CREATE EVENT TRIGGER listen ON ddl_command_start EXECUTE FUNCTION listen()`)
  const notices: string[] = []
  const listen = () => {
    const readServer = readMessages('server')
    return {
      fromClient: () => 'pass' as const,
      fromServer: (bytes: Buffer) => {
        for (const { type, body } of readServer(bytes)) if (type === 'N') notices.push(body.toString())
        return 'pass' as const
      },
    }
  }
  await withProxy(
    database.url,
    async ({ url }) => {
      const { exitCode, stderr } = await runChatkeep(['rollback', '--confirm', database.name, '--database-url', url])
      expect(exitCode, stderr).toBe(0)
    },
    listen,
  )
  const about = notices.flatMap(
    (notice) =>
      /existing constraints on column "ChatMessage.clientId" are sufficient|verifying table "ChatMessage"/.exec(
        notice,
      ) ?? [],
  )
  // Verified once, by VALIDATE, which stops nobody; SET NOT NULL rests on it.
  expect(about).toEqual([
    'verifying table "ChatMessage"',
    'existing constraints on column "ChatMessage.clientId" are sufficient',
  ])
})
