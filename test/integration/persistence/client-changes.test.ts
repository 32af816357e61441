import {
  ClientMerged,
  ClientNotFound,
  MergeRefused,
  OperatorError,
  UsernameTaken,
  type ChatStore,
  type NewChatMessage,
  type SavedChatMessage,
} from '../../../src/index.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { textMessage, withLoad } from '../../support/load.js'
import { until } from '../../support/until.js'

const save = (store: ChatStore, rest: Partial<NewChatMessage>): Promise<SavedChatMessage> =>
  store.saveChatMessage({ ...textMessage('hello'), ...rest })

const saveAs = async (store: ChatStore, guestUsername: string): Promise<number> =>
  (await save(store, { guestUsername })).clientId ?? -1

const register = async (database: TestDatabase, username: string): Promise<number> => {
  const [row] = await database.query<{ id: number }>(
    `INSERT INTO "Client" ("username", "phone", "updatedAt") VALUES ($1, $1, now()) RETURNING "id"`,
    [username],
  )
  return row?.id ?? -1
}

const namesOf = async (database: TestDatabase): Promise<readonly unknown[]> =>
  (await database.query('SELECT "username" FROM "Client" ORDER BY "username"')).map(({ username }) => username)

const clientsOf = (database: TestDatabase) =>
  database.query('SELECT DISTINCT "clientId" FROM "ChatMessage" ORDER BY 1').then((rows) => rows.map((r) => r.clientId))

describe('a client that is renamed', () => {
  test('keeps its former names, which nobody else is given', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const maria = await saveAs(store, 'maria')
      const pedro = await saveAs(store, 'pedro')
      const renamed = await store.renameClient({ clientId: maria, username: ' Mari\u0301a ' })
      expect(renamed).toEqual({ clientId: maria, username: 'Mar\u00eda', formerUsername: 'maria' })
      await store.renameClient({ clientId: maria, username: 'Maria Lopez' })
      for (const guestUsername of ['maria', 'Mar\u00eda', 'Maria Lopez'])
        expect(await save(store, { guestUsername })).toMatchObject({
          ...{ clientId: maria, clientCreated: false, guestUnverified: false },
        })
      for (const username of ['maria', 'Maria Lopez']) {
        const refused = store.renameClient({ clientId: pedro, username })
        await expect(refused).rejects.toMatchObject({ name: 'UsernameTaken', clientId: maria })
      }
      expect(await store.renameClient({ clientId: maria, username: 'maria' })).toMatchObject({ username: 'maria' })
      expect(await saveAs(store, 'Maria Lopez')).toBe(maria)
      await expect(store.renameClient({ clientId: 4711, username: 'x' })).rejects.toThrow(ClientNotFound)
    })
    expect(await namesOf(database)).toEqual(['maria', 'pedro'])
    expect((await on(database, 'verify')).exitCode).toBe(0)
  })

  test('is not given the name under which a guest without client wrote, and reconcile follows names', async ({
    database,
  }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const maria = await saveAs(store, 'maria')
      const registered = await register(database, 'ana')
      await store.renameClient({ clientId: maria, username: 'Maria Lopez' })
      await store.renameClient({ clientId: registered, username: 'Ana' })
      expect(await save(store, { guestUsername: 'ana' })).toMatchObject({ clientId: registered, guestUnverified: true })
      await database.load(`
        UPDATE "ChatMessage" SET "clientId" = NULL WHERE "guestUsername" = 'maria';
        INSERT INTO "ChatMessage" ("senderType", "messageType", "text", "guestUsername") VALUES ('CLIENT', 'TEXT', 'x', 'new')`)
      await expect(store.renameClient({ clientId: maria, username: 'new' })).rejects.toThrow(UsernameTaken)
      expect((await on(database, 'reconcile')).exitCode).toBe(0)
      expect(await namesOf(database)).toEqual(['Ana', 'Maria Lopez', 'new'])
      expect(await database.query(`SELECT "clientId" FROM "ChatMessage" WHERE "guestUsername" = 'maria'`)).toEqual([
        { clientId: maria },
      ])
    })
  })

  test('gets every message that is written meanwhile, under either name', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const clientId = await saveAs(store, 'maria')
      const sender = (caller: number) => ({ guestUsername: caller % 2 === 0 ? 'maria' : 'Maria Lopez' })
      await store.renameClient({ clientId, username: 'Maria Lopez' })
      await withLoad(store, { callers: 8, sender }, async () => {
        for (let n = 0; n < 20; n += 1)
          await store.renameClient({ clientId, username: n % 2 === 0 ? 'maria' : 'Maria Lopez' })
      })
      expect(await clientsOf(database)).toEqual([clientId])
    })
    expect(await namesOf(database)).toEqual(['Maria Lopez'])
  })
})

describe('two clients that are merged', () => {
  test('are one afterwards: by id, by name, for a message that is sent again', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const key = { guestUsername: 'pedro', idempotencyKey: 'key 1' }
      const { id, clientId } = await save(store, key)
      const [pedro, maria] = [clientId ?? -1, await saveAs(store, 'maria')]
      await store.renameClient({ clientId: pedro, username: 'Pedro' })
      await database.query(`UPDATE "Client" SET "phone" = '555' WHERE "id" = $1`, [pedro])
      expect(await store.mergeClients({ from: pedro, into: maria })).toEqual({
        ...{ from: pedro, into: maria, messages: 1, references: {} },
        differences: [{ column: 'phone', from: '555', into: null }],
      })
      for (const contact of [{ clientId: pedro }, { guestUsername: 'Pedro' }, { guestUsername: 'pedro' }])
        expect(await save(store, contact)).toMatchObject({ clientId: maria, guestUnverified: false })
      for (const again of [key, { ...key, clientId: pedro }, { ...key, clientId: maria }])
        expect(await save(store, again)).toMatchObject({ id, duplicate: true })
      await expect(store.renameClient({ clientId: pedro, username: 'x' })).rejects.toThrow(ClientMerged)
      await expect(store.mergeClients({ from: maria, into: pedro })).rejects.toThrow(ClientMerged)
      const ana = await saveAs(store, 'ana')
      await store.mergeClients({ from: maria, into: ana })
      await database.query('DELETE FROM "Client" WHERE "id" = $1', [pedro])
      for (const contact of [{ clientId: pedro }, { guestUsername: 'Pedro' }, { guestUsername: 'maria' }])
        expect(await save(store, contact)).toMatchObject({ clientId: ana })
      expect(await clientsOf(database)).toEqual([ana])
      expect(await store.mergeClients({ from: maria, into: ana })).toMatchObject({ messages: 0 })
    })
    expect((await on(database, 'verify')).exitCode).toBe(0)
  })

  test('are never a registered client whose history a guest’s name would open', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const registered = await register(database, 'maria')
      const guest = await saveAs(store, 'guest')
      await expect(store.mergeClients({ from: registered, into: guest })).rejects.toThrow(MergeRefused)
      await store.mergeClients({ from: guest, into: registered })
      expect(await save(store, { guestUsername: 'guest' })).toMatchObject({
        ...{ clientId: registered, guestUnverified: true },
      })
      expect(await save(store, { clientId: guest })).toMatchObject({ clientId: registered, guestUnverified: false })
    })
  })

  test('leave no row of another table behind unless that is wanted', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const [from, into] = [await saveAs(store, 'pedro'), await saveAs(store, 'maria')]
      await database.load(`
        CREATE TABLE "Order" ("id" serial PRIMARY KEY, "clientId" integer REFERENCES "Client");
        INSERT INTO "Order" ("clientId") VALUES (${from}), (${from}), (${into})`)
      await expect(store.mergeClients({ from, into })).rejects.toMatchObject({
        ...{ code: 'merge_refused', details: ['"Order"."clientId"'] },
      })
      expect(await clientsOf(database)).toEqual([from, into])
      expect(await store.mergeClients({ from, into, references: 'move' })).toMatchObject({
        references: { '"Order"."clientId"': 2 },
      })
      const other = await saveAs(store, 'ana')
      await store.mergeClients({ from: into, into: other, references: 'keep' })
      expect(await database.query('SELECT DISTINCT "clientId" FROM "Order"')).toEqual([{ clientId: into }])
    })
  })

  test('have all that is written meanwhile for either, however much there is', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const [from, into] = [await saveAs(store, 'pedro'), await saveAs(store, 'maria')]
      await database.query(
        `INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "createdAt")
         SELECT $1, 'CLIENT', 'TEXT', 'old ' || i, timestamp '2026-01-01' + i * interval '1 s' FROM generate_series(1, 2500) AS i`,
        [from],
      )
      const senders = [{ guestUsername: 'pedro' }, { clientId: from }, { guestUsername: 'maria' }, { clientId: into }]
      const load = await withLoad(
        store,
        { callers: 8, sender: (caller) => senders[caller % 4] ?? {} },
        async ({ acknowledged }) => {
          const merged = await store.mergeClients({ from, into })
          expect(merged.messages).toBeGreaterThan(2500)
          const until = acknowledged.size + 200
          while (acknowledged.size < until) await store.getRecentChats({ limit: 1 })
        },
      )
      expect(load.failures()).toBe(0)
      expect(await clientsOf(database)).toEqual([into])
      const [{ count } = { count: 0 }] = await database.query<{ count: number }>(
        'SELECT count(*)::integer FROM "ChatMessage"',
      )
      expect(count).toBe(load.acknowledged.size + 2502)
      const [{ moved } = { moved: 0 }] = await database.query<{ moved: number }>(
        'SELECT sum(cardinality("messageIds"))::integer AS "moved" FROM "chatkeep"."moved_messages"',
      )
      expect(moved).toBeGreaterThan(2500)
    })
  })
})

test('merges at the same moment take turns: each is done at its first attempt', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const into = await saveAs(store, 'maria')
    const others = await Promise.all(Array.from({ length: 8 }, (_, n) => saveAs(store, `guest ${n}`)))
    const merges = others.map((from) => store.mergeClients({ from, into }, { deadlineMs: 0 }))
    await Promise.all(merges)
    expect(await clientsOf(database)).toEqual([into])
  })
})

test('a merge waits for a save that is under way, and moves its message', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const [from, into] = [await saveAs(store, 'pedro'), await saveAs(store, 'maria')]
    const db = await database.client()
    await db.query('BEGIN')
    await store.saveChatMessage({ ...textMessage('under way'), clientId: from }, { db })
    let isDone = false
    const merging = store.mergeClients({ from, into }).finally(() => (isDone = true))
    const isWaiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    await until(async () => isDone || (await database.query(isWaiting)).length > 0, { what: 'the merge waits' })
    await db.query('COMMIT')
    await merging
    expect(await clientsOf(database)).toEqual([into])
  })
})

test('a role that may not rename or merge is told which GRANT it lacks', async ({ database }) => {
  await migrated(database)
  await withLimitedRole(database, async ({ name, url }) => {
    await database.load(`
      CREATE TABLE "Order" ("id" serial PRIMARY KEY, "clientId" integer REFERENCES "Client");
      GRANT USAGE ON SCHEMA chatkeep TO ${name};
      GRANT SELECT, INSERT, UPDATE ON "ChatMessage" TO ${name};
      GRANT SELECT, INSERT ON "Client" TO ${name};
      GRANT ALL ON ALL TABLES IN SCHEMA chatkeep TO ${name};
      GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${name};`)
    await withStore({ ...database, url }, async (store) => {
      const [from, into] = [await saveAs(store, 'pedro'), await saveAs(store, 'maria')]
      const hintOf = async (call: Promise<unknown>): Promise<unknown> => {
        const refusal: unknown = await call.catch((error: unknown) => error)
        return refusal instanceof OperatorError ? [refusal.code, refusal.hint] : refusal
      }
      const grant = (rights: string): unknown => [
        'privilege_missing',
        expect.stringContaining(`GRANT ${rights} TO ${name}`),
      ]
      expect(await hintOf(store.renameClient({ clientId: from, username: 'x' }))).toEqual(
        grant('UPDATE ON "public"."Client"'),
      )
      await database.load(`GRANT UPDATE ON "Client" TO ${name}`)
      expect(await hintOf(store.mergeClients({ from, into }))).toEqual(grant('SELECT ON "public"."Order"'))
      await store.mergeClients({ from, into, references: 'keep' })
    })
  })
})
