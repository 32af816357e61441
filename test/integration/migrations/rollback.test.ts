import { checksum, migrated, on, withStore } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { cutRun } from '../../support/cut-run.js'
import { OperatorError } from '../../../src/index.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture, type FixtureName } from '../../support/fixtures.js'
import { TABLE_WAITS } from '../../support/table-waits.js'
import { casesOf } from '../../support/thorough.js'
import { untilRows } from '../../support/until.js'

const columnsOf = (database: TestDatabase) =>
  database.query(
    `SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name IN ('User', 'Client', 'ChatMessage') ORDER BY 1, 2`,
  )

const indexesOf = (database: TestDatabase) =>
  database.query(`SELECT indexdef FROM pg_indexes WHERE tablename = 'ChatMessage' ORDER BY 1`)

const rollBack = (database: TestDatabase, ...flags: readonly string[]) =>
  on(database, 'rollback', '--confirm', database.name, ...flags)

const guestMessages = async (database: TestDatabase): Promise<void> => {
  await withStore(database, async (store) => {
    for (const [n, name] of ['maria', 'maria', 'josé', '__proto__', `o'hara`].entries()) {
      const message = { senderType: 'CLIENT', messageType: 'TEXT', text: `hello ${n}` } as const
      await store.saveChatMessage({ ...message, guestUsername: name, guestPhone: '+49 30 1', sessionId: 's' })
    }
  })
}

const UNVERIFIED = `"guestUsername" IN ('maria', 'josé') OR "id" = 1`

/** Marks, and clients that were made of guests, however the store would come to set them. */
const unverifiedGuests = (database: TestDatabase): Promise<void> =>
  database.load(`
    UPDATE "ChatMessage" SET "guestUnverified" = true WHERE ${UNVERIFIED};
    INSERT INTO "chatkeep"."guest_clients" SELECT "id" FROM "Client" ORDER BY "id" DESC LIMIT 3 ON CONFLICT DO NOTHING`)

const guestClients = (database: TestDatabase) => database.query('SELECT * FROM "chatkeep"."guest_clients" ORDER BY 1')

const verified = async (database: TestDatabase): Promise<void> => {
  const { exitCode, stdout } = await on(database, 'verify')
  expect(exitCode, stdout).toBe(0)
}

/** Runs a command and interrupts it when it says that it has done this migration. */
const cutAfter = async (database: TestDatabase, migration: string, ...argv: readonly string[]): Promise<void> => {
  const interruption = new AbortController()
  const { exitCode, stderr } = await runChatkeep([...argv, '--database-url', database.url], {
    signal: interruption.signal,
    onStderr: (line) => {
      if (!new RegExp(`^(undone|applied) +${migration}`).test(line)) return
      interruption.abort(new OperatorError('interrupted', 'ended by SIGTERM', { exitCode: 143 }))
    },
  })
  expect(exitCode, stderr).toBe(143)
}

describe('rollback', () => {
  test('is refused without the name of the database, whatever else is said, and touches nothing', async ({
    database,
  }) => {
    await migrated(database, 'hand-migrated')
    const before = [await columnsOf(database), await checksum(database, 'ChatMessage')]
    for (const flags of [[], ['--yes'], ['--confirm', 'postgres'], ['--json', '--yes']]) {
      const { exitCode, stderr } = await on(database, 'rollback', ...flags)
      expect(exitCode, flags.join(' ')).toBe(5)
      expect(stderr).toMatch(new RegExp(`chatkeep rollback .*--plan-hash [0-9a-f]{16} --confirm ${database.name}`))
    }
    expect([await columnsOf(database), await checksum(database, 'ChatMessage')]).toEqual(before)
    expect(await database.query(`SELECT to_regclass('chatkeep.archive') AS archive`)).toEqual([{ archive: null }])
  })

  test('shows its price first, and with --dry-run only that', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    const { exitCode, stdout } = await on(database, 'rollback', '--dry-run', '--json')
    expect(exitCode).toBe(0)
    const [expected] = await database.query(
      `SELECT count(*)::integer AS messages, count("guestUsername")::integer AS "guestMessages",
         count(*) FILTER (WHERE "clientId" IS NULL AND "guestUsername" IS NOT NULL)::integer AS "messagesToLink",
         count(*) FILTER (WHERE "clientId" IS NULL AND "guestUsername" IS NULL)::integer AS "messagesToRemove"
       FROM "ChatMessage"`,
    )
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, dryRun: true, price: expected })
    expect((await columnsOf(database)).length).toBeGreaterThan(0)
    expect(await database.query(`SELECT to_regclass('chatkeep.archive') AS archive`)).toEqual([{ archive: null }])
  })

  test.for(casesOf<FixtureName>(['crm-before', 'hand-migrated'], ['half-migrated', 'hosted-neighbours']))(
    'and the next migrate are a round trip, byte for byte: %s',
    async (fixture, { database }) => {
      await migrated(database, fixture)
      await guestMessages(database)
      await unverifiedGuests(database)
      const before = {
        guests: await guestClients(database),
        messages: await checksum(database, 'ChatMessage'),
        clients: await checksum(database, 'Client'),
        columns: await columnsOf(database),
        indexes: await indexesOf(database),
      }
      const back = await rollBack(database)
      expect(back.exitCode, back.stderr).toBe(0)
      expect(await columnsOf(database)).toContainEqual({
        table_name: 'ChatMessage',
        column_name: 'clientId',
        data_type: 'integer',
        is_nullable: 'NO',
      })
      expect(await database.query('SELECT id FROM "chatkeep"."migrations"')).toEqual([{ id: 0 }, { id: 1 }])
      const forth = await on(database, 'migrate')
      expect(forth.exitCode, forth.stderr).toBe(0)
      expect({
        guests: await guestClients(database),
        messages: await checksum(database, 'ChatMessage'),
        clients: await checksum(database, 'Client'),
        columns: await columnsOf(database),
        indexes: await indexesOf(database),
      }).toEqual(before)
      expect(await database.query(`SELECT relname FROM pg_class WHERE relname LIKE 'chatkeep_archive%'`)).toEqual([])
      await verified(database)
    },
  )

  test('gives no client the phone of a guest, which the next migrate puts back on the message', async ({
    database,
  }) => {
    await migrated(database)
    await database.query(
      `INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername", "guestPhone") VALUES ('CLIENT', 'TEXT', 'hi', 'stranger', '+1')`,
    )
    expect((await rollBack(database)).exitCode).toBe(0)
    await database.query(`INSERT INTO "Client" ("username", "phone", "updatedAt") VALUES ('person', '+1', now())`)
    const clients = `SELECT "username", "phone" FROM "Client" ORDER BY "username"`
    expect(await database.query(clients)).toEqual([
      { username: 'person', phone: '+1' },
      { username: 'stranger', phone: null },
    ])
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await database.query('SELECT "guestUsername", "guestPhone" FROM "ChatMessage"')).toEqual([
      { guestUsername: 'stranger', guestPhone: '+1' },
    ])
  })

  test('leaves exactly the schema of before the update', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    const before = [await columnsOf(database), await indexesOf(database)]
    await migrated(database)
    await guestMessages(database)
    expect((await rollBack(database)).exitCode).toBe(0)
    expect([await columnsOf(database), await indexesOf(database)]).toEqual(before)
    const leftovers = `SELECT tgname AS name FROM pg_trigger WHERE tgname LIKE 'chatkeep%' UNION ALL
      SELECT conname FROM pg_constraint WHERE conname = 'chatkeep_clientId_not_null' UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'chatkeep%'`
    expect(await database.query(leftovers)).toEqual([])
  })

  test('archives into tables that only the owner can read, whatever the default privileges', async ({ database }) => {
    await database.query('ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC')
    await migrated(database, 'hand-migrated')
    await unverifiedGuests(database)
    expect((await rollBack(database)).exitCode).toBe(0)
    expect(
      await database.query(
        `SELECT count(*)::integer AS others FROM pg_class c, aclexplode(c.relacl) a
         WHERE c.relname LIKE 'chatkeep_archive%' AND c.relkind = 'r' AND a.grantee <> c.relowner`,
      ),
    ).toEqual([{ others: 0 }])
  })

  test('keeps what others write and change while it runs', async ({ database }) => {
    await migrated(database, 'crm-before')
    await guestMessages(database)
    // A reader is in nobody's way but the guard's, so the writes below fall between the archive and the drop.
    const reader = await database.client()
    await reader.query('BEGIN')
    await reader.query('SELECT count(*) FROM "ChatMessage"')
    const run = rollBack(database)
    const capturing = `SELECT 1 FROM pg_trigger WHERE tgname = 'chatkeep_capture'`
    await untilRows(database, capturing, { what: 'the rollback captures changes' })
    await database.query(
      `INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername", "guestPhone", "clientId", "idempotencyKey")
       VALUES ('CLIENT', 'TEXT', 'late', 'latecomer', '+1', 1, 'late-key')`,
    )
    await database.query(`UPDATE "ChatMessage" SET "guestPhone" = 'changed' WHERE "guestUsername" = 'josé'`)
    await reader.query('COMMIT')
    const { exitCode, stderr } = await run
    expect(exitCode, stderr).toBe(0)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(
      await database.query(
        `SELECT "guestUsername", "guestPhone", "idempotencyKey" IS NOT NULL AS key FROM "ChatMessage"
         WHERE "guestUsername" IN ('latecomer', 'josé') ORDER BY 1`,
      ),
    ).toEqual([
      { guestUsername: 'josé', guestPhone: 'changed', key: true },
      { guestUsername: 'latecomer', guestPhone: '+1', key: true },
    ])
  })

  test('keeps what the old application does afterwards', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    expect((await rollBack(database)).exitCode).toBe(0)
    // A client that the rollback made is used; a message is moved to another client; one is deleted.
    const [made] = await database.query<{ id: number }>(
      `SELECT "clientId"::integer AS id FROM "chatkeep"."archived_clients" LIMIT 1`,
    )
    await database.query(
      `INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text") VALUES ($1, 'CLIENT', 'TEXT', 'after')`,
      [made?.id],
    )
    const [moved, deleted] = await database.query<{ id: number }>(
      `SELECT "messageId"::integer AS id FROM "chatkeep"."archive" WHERE "linkedClientId" <> $1 ORDER BY 1 LIMIT 2`,
      [made?.id],
    )
    await database.query('UPDATE "ChatMessage" SET "clientId" = 1 WHERE id = $1', [moved?.id])
    await database.query('DELETE FROM "ChatMessage" WHERE id = $1', [deleted?.id])
    const { exitCode, stdout } = await on(database, 'migrate')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('not restored: 1 archived message that the application has deleted since')
    expect(stdout).toMatch(/clients that the rollback had created: \d+ removed, 1 kept because they are in use/)
    expect(
      await database.query('SELECT "clientId", "guestUsername" IS NOT NULL AS guest FROM "ChatMessage" WHERE id = $1', [
        moved?.id,
      ]),
    ).toEqual([{ clientId: 1, guest: true }])
  })

  test('is refused before anything is touched when clients are needed and none can be made', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await database.load(
      `ALTER TABLE "Client" ADD COLUMN "tenant" integer; UPDATE "Client" SET "tenant" = 1; ALTER TABLE "Client" ALTER COLUMN "tenant" SET NOT NULL`,
    )
    const before = [await columnsOf(database), await checksum(database, 'ChatMessage')]
    const { exitCode, stderr } = await rollBack(database)
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('"Client"."tenant" is NOT NULL and has no default')])
    expect([await columnsOf(database), await checksum(database, 'ChatMessage')]).toEqual(before)
  })

  test('is refused where chatkeep has no history, and has nothing to do a second time', async ({ database }) => {
    await loadFixture(database, 'hand-migrated')
    const first = await rollBack(database)
    expect([first.exitCode, first.stderr]).toEqual([
      5,
      expect.stringContaining('hint: let chatkeep adopt the database first: chatkeep migrate'),
    ])
    await migrated(database)
    expect((await rollBack(database)).exitCode).toBe(0)
    const again = await rollBack(database)
    expect([again.exitCode, again.stdout]).toEqual([0, expect.stringContaining('there is nothing to roll back')])
  })

  test('writes down who did what, and that outlives the history', async ({ database }) => {
    await migrated(database)
    await rollBack(database)
    await migrated(database)
    const runs = await database.query<{ action: string; migration: string }>(
      'SELECT action, migration, role, version FROM "chatkeep"."runs" ORDER BY id',
    )
    expect(runs.filter(({ migration }) => migration === '2_allow-guest-messages').map(({ action }) => action)).toEqual([
      'apply',
      'roll back',
      'apply',
    ])
  })

  test('that was cut can be finished, or undone by migrate', async ({ database }) => {
    for (const next of ['rollback', 'migrate'] as const) {
      await migrated(database, next === 'rollback' ? 'hand-migrated' : undefined)
      const messages = await checksum(database, 'ChatMessage')
      const reader = await database.client()
      await reader.query('BEGIN')
      await reader.query('SELECT count(*) FROM "ChatMessage"')
      const interruption = new AbortController()
      const run = runChatkeep(['rollback', '--confirm', database.name, '--database-url', database.url], {
        signal: interruption.signal,
      })
      await untilRows(database, TABLE_WAITS, { what: 'the rollback waits for the table' })
      interruption.abort(new OperatorError('interrupted', 'ended by SIGTERM', { exitCode: 143 }))
      const { exitCode, stderr } = await run
      expect([exitCode, stderr]).toEqual([143, expect.stringContaining('state: nothing was dropped')])
      await reader.query('COMMIT')
      if (next === 'rollback') expect((await rollBack(database)).exitCode).toBe(0)
      expect((await on(database, 'migrate')).exitCode).toBe(0)
      expect(await checksum(database, 'ChatMessage')).toEqual(messages)
    }
  })

  test('that was cut after any step goes on, or back, and loses nothing', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await guestMessages(database)
    await unverifiedGuests(database)
    const unverified = await database.query<{ id: number }>(`SELECT "id" FROM "ChatMessage" WHERE ${UNVERIFIED}`)
    const ids = unverified.map(({ id }) => id).join(', ')
    const leftOut = ['text']
    const state = async () => ({
      guests: await guestClients(database),
      messages: await checksum(database, 'ChatMessage', leftOut),
      clients: await checksum(database, 'Client'),
    })
    const before = await state()
    for (const cut of casesOf(['7_'], ['12_', '11_', '8_', '5_', '3_'])) {
      for (const next of ['rollback', 'migrate'] as const) {
        await cutAfter(database, cut, 'rollback', '--confirm', database.name)
        // The trigger that keeps the archive complete meets rows that have lost some of their columns already.
        await database.query(`UPDATE "ChatMessage" SET "text" = 'written after ${cut}' WHERE "id" IN (${ids})`)
        if (next === 'rollback') expect((await rollBack(database)).exitCode).toBe(0)
        expect((await on(database, 'migrate')).exitCode).toBe(0)
        expect(await state(), `${next} after ${cut}`).toEqual(before)
      }
    }
    await verified(database)
  })

  test('after a migrate that was cut before it restored loses nothing either', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await guestMessages(database)
    await unverifiedGuests(database)
    const before = [await guestClients(database), await checksum(database, 'ChatMessage')]
    for (const cut of casesOf(['8_'], ['7_', '11_'])) {
      expect((await rollBack(database)).exitCode).toBe(0)
      await cutAfter(database, cut, 'migrate')
      const { exitCode, stderr } = await rollBack(database)
      expect(exitCode, `${cut} ${stderr}`).toBe(0)
      expect((await on(database, 'migrate')).exitCode).toBe(0)
      expect([await guestClients(database), await checksum(database, 'ChatMessage')]).toEqual(before)
    }
    await verified(database)
  })

  test('a message that is sent again as soon as messages are taken again is met under its key', async ({
    database,
  }) => {
    await migrated(database, 'crm-before')
    const send = () =>
      withStore(database, (store) =>
        store.saveChatMessage({
          senderType: 'CLIENT',
          messageType: 'TEXT',
          text: 'sent twice',
          guestUsername: 'maria',
          idempotencyKey: 'k',
        }),
      )
    const { id } = await send()
    expect((await rollBack(database)).exitCode).toBe(0)
    const isRestoring = (statement: string): boolean =>
      statement.includes('SELECT * FROM "chatkeep"."archive" ORDER BY')
    expect((await cutRun(database, ['migrate'], 'cut before', isRestoring)).statement).toBeDefined()
    expect(await send()).toMatchObject({ id, duplicate: true })

    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await database.query(`SELECT "id" FROM "ChatMessage" WHERE "idempotencyKey" = 'k'`)).toEqual([{ id }])
    await verified(database)
  })

  test("keeps what it knows of guests' clients where there is nothing else to archive", async ({ database }) => {
    await migrated(database, 'crm-before')
    await database.load('INSERT INTO "chatkeep"."guest_clients" VALUES (1), (2)')
    expect((await rollBack(database)).exitCode).toBe(0)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await guestClients(database)).toEqual([{ clientId: '1' }, { clientId: '2' }])
  })

  test('makes no client that the rules of the application refuse, and keeps its messages', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await database.load(`ALTER TABLE "Client" ADD CONSTRAINT "short" CHECK (length("username") < 4) NOT VALID`)
    const before = await checksum(database, 'ChatMessage')
    const { exitCode, stderr } = await rollBack(database)
    expect(exitCode, stderr).toBe(0)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await checksum(database, 'ChatMessage')).toEqual(before)
  })

  test('refuses to restore an archive that is not what was archived', async ({ database }) => {
    await migrated(database, 'hand-migrated')
    await rollBack(database)
    await database.query(
      `DELETE FROM "chatkeep"."archive" WHERE "messageId" = (SELECT max("messageId") FROM "chatkeep"."archive")`,
    )
    const { exitCode, stderr } = await on(database, 'migrate')
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('the archive of the last rollback was modified')])
  })
})
