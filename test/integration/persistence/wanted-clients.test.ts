import type pg from 'pg'
import { IdempotencyConflict, type ChatStore, type NewChatMessage } from '../../../src/index.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { expectExplained } from '../../support/explained.js'
import { findingsOf, verify } from '../../support/findings.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { textMessage } from '../../support/load.js'
import { loadPartitioned } from '../../support/partitioned.js'

const of = (clientId: number, rest: Partial<NewChatMessage> = {}): NewChatMessage => ({
  ...textMessage(`of ${clientId}`),
  clientId,
  ...rest,
})

const INSERT = `INSERT INTO "Client" ("username", "updatedAt") VALUES ($1, now()) RETURNING "id"`

/** Begins a transaction of the application that inserts a client, as one that has not committed yet. */
const inserting = async (database: TestDatabase, username: string): Promise<{ client: pg.Client; id: number }> => {
  const client = await database.client()
  await client.query('BEGIN')
  const { rows } = await client.query<{ id: number }>(INSERT, [username])
  return { client, id: rows[0]?.id ?? 0 }
}

/** Inserts a client with an id of the test's choice. */
const insertClient = (database: TestDatabase, id: number, later = '0'): Promise<unknown> =>
  database.query(
    `INSERT INTO "Client" ("id", "username", "createdAt", "updatedAt") VALUES ($1, $3, now() AT TIME ZONE 'UTC' + $2::interval, now())`,
    [id, later, `client ${id}`],
  )

const linksOf = async (database: TestDatabase): Promise<readonly unknown[]> =>
  (await database.query('SELECT "clientId" FROM "ChatMessage" ORDER BY "id"')).map(({ clientId }) => clientId)

const wantedOf = async (database: TestDatabase): Promise<readonly unknown[]> =>
  (await database.query('SELECT "clientId"::integer FROM "chatkeep"."wanted_clients" ORDER BY 1')).map(
    ({ clientId }) => clientId,
  )

const reconciled = async (database: TestDatabase, ...argv: readonly string[]): Promise<Record<string, unknown>> => {
  const { exitCode, stdout, stderr } = await on(database, 'reconcile', '--json', ...argv)
  expect(exitCode, stderr).toBe(0)
  return JSON.parse(stdout) as Record<string, unknown>
}

/** What verify finds of messages and of chatkeep's own tables. */
const codesOf = async (database: TestDatabase): Promise<readonly string[]> => {
  const found = findingsOf(await verify(database))
  expectExplained(found)
  return found.map(({ code, actual }) => `${code} ${actual}`).filter((words) => /messages|own/.test(words))
}

describe('a message that names a client who is not there yet', () => {
  test('keeps the id, says so, and is linked once the client is there', async ({ database }) => {
    await migrated(database)
    const { client, id } = await inserting(database, 'maria')
    await withStore(database, async (store) => {
      const message = of(id, { idempotencyKey: 'a' })
      const saved = await store.saveChatMessage(message)
      expect(saved).toMatchObject({ clientId: null, unknownClientId: id, waitsForClient: true, duplicate: false })
      // The name alone would link it as unverified.
      const named = await store.saveChatMessage(of(id, { guestUsername: 'maria' }))
      expect(named).toMatchObject({ clientId: null, unknownClientId: id, waitsForClient: true })

      const again = await store.saveChatMessage(message)
      expect(again).toMatchObject({ ...saved, duplicate: true })
      await expect(store.saveChatMessage({ ...message, clientId: id + 1 })).rejects.toThrow(IdempotencyConflict)
      expect(await wantedOf(database)).toEqual([id, id])

      expect(await codesOf(database)).toEqual(['waiting_messages 1'])
      await client.query('COMMIT')
      expect(await codesOf(database)).toEqual(['unlinked_messages 2'])
      const preview = await reconciled(database, '--dry-run')
      expect(preview).toMatchObject({
        messagesLinked: 2,
        messagesLinkedById: 2,
        clientsCreated: 0,
        messagesUnverified: 0,
      })
      expect(await linksOf(database)).toEqual([null, null])
      expect(await reconciled(database)).toEqual({ ...preview, dryRun: false })
      expect(await linksOf(database)).toEqual([id, id])
      expect(await database.query('SELECT FROM "ChatMessage" WHERE "guestUnverified"')).toEqual([])
      expect([await wantedOf(database), await codesOf(database)]).toEqual([[], []])
      const linked = await store.saveChatMessage(message)
      expect(linked).toMatchObject({ id: saved.id, clientId: id, duplicate: true })
      expect(linked).not.toHaveProperty('unknownClientId')
    })
  })

  test('keeps the id as long as a trigger puts the message back', async ({ database }) => {
    await migrated(database)
    const { client, id } = await inserting(database, 'maria')
    await withStore(database, async (store) => {
      for (const guestUsername of [undefined, 'maria']) await store.saveChatMessage(of(id, { guestUsername }))
    })
    await client.query('COMMIT')
    await database.load(`
      CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
      CREATE TRIGGER keep BEFORE UPDATE ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION keep()`)
    const { exitCode, stderr } = await on(database, 'reconcile')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('2 messages are unchanged: a trigger keeps rows')])
    expect([...(await linksOf(database)), ...(await wantedOf(database))]).toEqual([null, null, id, id])
    await database.load('DROP FUNCTION keep CASCADE')
    expect(await reconciled(database)).toMatchObject({ messagesLinkedById: 2 })
  })

  test('in a batch costs its neighbours nothing, and in a transaction of the application shares its fate', async ({
    database,
  }) => {
    await migrated(database)
    await insertClient(database, 1)
    const messages = Array.from({ length: 400 }, (_, n) =>
      of(n % 40 === 0 ? 1_000 + n : 1, { sessionId: `s ${n % 7}` }),
    )
    await withStore(database, async (store) => {
      const saved = await Promise.all(messages.map((message) => store.saveChatMessage(message)))
      expect(saved.flatMap(({ unknownClientId }) => unknownClientId ?? [])).toHaveLength(10)
      expect(await wantedOf(database)).toHaveLength(10)

      const client = await database.client()
      for (const end of ['ROLLBACK', 'COMMIT']) {
        await client.query('BEGIN')
        expect(await store.saveChatMessage(of(5_000), { db: client })).toMatchObject({ waitsForClient: true })
        await client.query(end)
        expect(await wantedOf(database)).toHaveLength(end === 'COMMIT' ? 11 : 10)
      }
    })
    expect(await database.query('SELECT count(*)::integer AS n FROM "ChatMessage"')).toEqual([{ n: 401 }])
    const { stdout } = await on(database, 'reconcile')
    expect(stdout).toContain(
      '11 messages not linked: no client has the clientId that they name; run this again once one has',
    )
  })

  test('is not given to somebody who got the id later', async ({ database }) => {
    await migrated(database)
    await withStore(database, (store) => store.saveChatMessage(of(7)))
    await insertClient(database, 7, '6 minutes')
    expect(await codesOf(database)).toEqual(['waiting_messages 1'])
    const { stdout } = await on(database, 'reconcile')
    expect(stdout).toContain(
      '1 message not linked: the client with the clientId that they name was made after they were stored',
    )
    expect(stdout).toContain('ok: 0 messages linked')
    // A clock that is a little ahead is no reason.
    await database.query(`UPDATE "Client" SET "createdAt" = "createdAt" - interval '2 minutes'`)
    expect(await reconciled(database)).toMatchObject({ messagesLinked: 1 })
  })

  test('goes to the client into whom that one was merged', async ({ database }) => {
    await migrated(database)
    await insertClient(database, 1)
    await withStore(database, async (store) => {
      await store.saveChatMessage(of(2))
      await insertClient(database, 2)
      await store.mergeClients({ from: 2, into: 1 })
      await store.saveChatMessage(of(2))
      await database.query('DELETE FROM "Client" WHERE "id" = 2')
    })
    expect(await reconciled(database)).toMatchObject({ messagesLinked: 1, messagesLinkedById: 1 })
    expect(await linksOf(database)).toEqual([1, 1])
  })

  test('is forgotten when somebody has linked or deleted it', async ({ database }) => {
    await migrated(database)
    await insertClient(database, 1)
    await withStore(database, async (store) => {
      for (const id of [2, 3, 4]) await store.saveChatMessage(of(id))
      await store.deleteMessage({ id: 2 })
    })
    await database.query('UPDATE "ChatMessage" SET "clientId" = 1 WHERE "id" = 1')
    expect(await reconciled(database)).toMatchObject({ messagesLinked: 0, messagesWaiting: 1, messagesWithoutName: 0 })
    expect(await wantedOf(database)).toEqual([4])
  })

  test('waits through a rollback and the next migrate', async ({ database }) => {
    await migrated(database)
    await withStore(database, (store) => store.saveChatMessage(of(3)))
    expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
    await insertClient(database, 3)
    // The message gets another id: somebody took its own.
    await database.load(
      `INSERT INTO "ChatMessage" ("id", "clientId", "senderType", "messageType", "text") VALUES (1, 3, 'CLIENT', 'TEXT', 'x')`,
    )
    expect((await on(database, 'reconcile')).exitCode).toBe(1)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    expect(await reconciled(database)).toMatchObject({ messagesLinked: 1, messagesLinkedById: 1 })
    expect(await linksOf(database)).toEqual([3, 3])
  })

  test('is found in a partitioned table, too', async ({ database }) => {
    await loadPartitioned(database)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    const { client, id } = await inserting(database, 'new')
    await withStore(database, async (store) => {
      const message = of(id, { createdAt: new Date('2026-02-03T04:05:06.789Z'), idempotencyKey: 'a' })
      expect(await store.saveChatMessage(message)).toMatchObject({ waitsForClient: true })
      expect(await store.saveChatMessage(message)).toMatchObject({ waitsForClient: true, duplicate: true })
      await client.query('COMMIT')
      expect(await reconciled(database)).toMatchObject({ messagesLinked: 1 })
      expect(await store.saveChatMessage(message)).toMatchObject({ clientId: id, duplicate: true })
    })
  })

  test('is erased, exported and deleted by age with what it waits for', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      for (const id of [5, 6]) await store.saveChatMessage(of(id, { createdAt: new Date('2020-01-01T00:00:00Z') }))
      const { stdout } = await on(database, 'export', '--client-id', '5')
      expect(stdout).toContain('of 5')
      expect(stdout).not.toContain('of 6')
      await store.eraseContact({ clientIds: [5] })
      expect([await linksOf(database), await wantedOf(database)]).toEqual([[null], [6]])
      expect(await store.deleteMessagesBefore(new Date('2021-01-01T00:00:00Z'))).toBe(1)
      expect(await wantedOf(database)).toEqual([])
    })
  })
})

describe('where the id cannot be kept, the message is kept all the same, and the answer says so:', () => {
  const UNKEPT = { clientId: null, unknownClientId: 9, waitsForClient: false, duplicate: false }

  const saveBesideGuests = async (store: ChatStore): Promise<void> => {
    const guests = ['ana', 'bea', 'cem'].map((guestUsername) =>
      store.saveChatMessage({ ...textMessage('hello'), guestUsername }),
    )
    const ofNobody = [1, 2].map((n) => store.saveChatMessage(of(9, { idempotencyKey: `of 9, ${n}` })))
    for (const saved of await Promise.all(guests)) expect(saved.clientId).not.toBeNull()
    for (const saved of await Promise.all(ofNobody)) expect(saved).toMatchObject(UNKEPT)
    const again = await store.saveChatMessage(of(9, { idempotencyKey: 'of 9, 1' }))
    expect(again).toMatchObject({ ...UNKEPT, duplicate: true })
    const withoutOperator = await store.saveChatMessage(of(9, { senderType: 'OPERATOR', operatorId: 77 }))
    expect(withoutOperator).toMatchObject({ ...UNKEPT, unknownOperatorId: 77 })
  }

  test('the table is missing, as before the next migrate', async ({ database }) => {
    await migrated(database)
    await database.load('DROP TABLE "chatkeep"."wanted_clients"')
    await withStore(database, async (store) => {
      await saveBesideGuests(store)
      const client = await database.client()
      await client.query('BEGIN')
      expect(await store.saveChatMessage(of(9), { db: client })).toMatchObject(UNKEPT)
      await client.query('COMMIT')
    })
    expect(await reconciled(database)).toMatchObject({ messagesLinked: 0, messagesWithoutName: 4 })
    expect(await codesOf(database)).toEqual(['own_schema_incomplete missing', 'ownerless_messages 4'])
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    await withStore(database, async (store) => {
      expect(await store.saveChatMessage(of(9))).toMatchObject({ waitsForClient: true })
    })
  })

  test('the role may not write it', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`
        GRANT USAGE ON SCHEMA public, chatkeep TO ${name};
        GRANT SELECT, INSERT, UPDATE ON "ChatMessage" TO ${name};
        GRANT SELECT, INSERT ON "Client", chatkeep.guest_clients TO ${name};
        GRANT SELECT ON chatkeep.client_aliases, chatkeep.merged_clients, chatkeep.changed_messages TO ${name};
        GRANT USAGE ON "ChatMessage_id_seq", "Client_id_seq" TO ${name}`)
      await withStore({ ...database, url }, saveBesideGuests)
      const { exitCode, stderr } = await on({ ...database, url }, 'reconcile')
      expect([exitCode, stderr]).toEqual([
        3,
        expect.stringContaining(`GRANT SELECT, DELETE ON "chatkeep"."wanted_clients" TO ${name}`),
      ])
    })
  })

  test('the table is locked', async ({ database }) => {
    await migrated(database)
    const holder = await database.client()
    await holder.query('BEGIN; LOCK TABLE chatkeep.wanted_clients')
    await withStore(database, async (store) => {
      expect(await store.saveChatMessage(of(9))).toMatchObject(UNKEPT)
      const client = await database.client()
      await client.query('BEGIN')
      expect(await store.saveChatMessage(of(9), { db: client })).toMatchObject(UNKEPT)
      await client.query('COMMIT')
    })
    await holder.query('ROLLBACK')
    expect(await linksOf(database)).toEqual([null, null])
  })
})

test('an unknown operator is said, also to a resend', async ({ database }) => {
  await migrated(database)
  await insertClient(database, 1)
  await withStore(database, async (store) => {
    const answer = of(1, { senderType: 'OPERATOR', operatorId: 4712, idempotencyKey: 'a' })
    for (const duplicate of [false, true])
      expect(await store.saveChatMessage(answer)).toMatchObject({ clientId: 1, unknownOperatorId: 4712, duplicate })
  })
})
