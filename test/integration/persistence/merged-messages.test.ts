import type pg from 'pg'
import type { ChatStore, NewChatMessage } from '../../../src/index.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { expectExplained } from '../../support/explained.js'
import { findingsOf, verify } from '../../support/findings.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { textMessage } from '../../support/load.js'
import { loadPartitioned } from '../../support/partitioned.js'

const saveAs = async (store: ChatStore, guestUsername: string): Promise<number> =>
  (await store.saveChatMessage({ ...textMessage('hello'), guestUsername })).clientId ?? -1

/** Begins a transaction of the application that sees the database as it is now. */
const snapshot = async (database: TestDatabase): Promise<pg.Client> => {
  const db = await database.client()
  await db.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
  await db.query('SELECT FROM "Client"')
  return db
}

/** Merges in the middle of a transaction that then saves a message for the client who is merged. */
const mergedMeanwhile = async (
  database: TestDatabase,
  store: ChatStore,
  merges: readonly { readonly from: number; readonly into: number }[],
  message: Partial<NewChatMessage>,
): Promise<void> => {
  const db = await snapshot(database)
  for (const merge of merges) await store.mergeClients(merge)
  await store.saveChatMessage({ ...textMessage('late'), clientId: merges[0]?.from, ...message }, { db })
  await db.query('COMMIT')
}

const reconciled = async (database: TestDatabase, ...argv: readonly string[]): Promise<Record<string, unknown>> => {
  const { exitCode, stdout, stderr } = await on(database, 'reconcile', '--json', ...argv)
  expect(exitCode, stderr).toBe(0)
  return JSON.parse(stdout) as Record<string, unknown>
}

const countsOf = async (database: TestDatabase): Promise<readonly unknown[]> => {
  const found = findingsOf(await verify(database)).filter(({ code }) => code === 'merged_client_messages')
  expectExplained(found)
  return found.map(({ actual }) => actual)
}

const clientsOf = async (database: TestDatabase): Promise<readonly unknown[]> =>
  (await database.query('SELECT DISTINCT "clientId" FROM "ChatMessage" ORDER BY 1')).map(({ clientId }) => clientId)

describe('a message that was saved for a client in a transaction older than their merge', () => {
  test('is moved by reconcile to the client of the last merge', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const [pedro, maria, last] = [
        await saveAs(store, 'pedro'),
        await saveAs(store, 'maria'),
        await saveAs(store, 'm'),
      ]
      const merges = [
        { from: pedro, into: maria },
        { from: maria, into: last },
      ]
      await mergedMeanwhile(database, store, merges, { sessionId: 'late' })
      const answeredAt = new Date()
      expect(await countsOf(database)).toEqual(['1'])

      const preview = await reconciled(database, '--dry-run')
      expect(preview).toMatchObject({ messagesMoved: 1, messagesLinked: 0 })
      expect(await clientsOf(database)).toEqual([pedro, last])
      const { exitCode, stdout } = await on(database, 'reconcile')
      expect([exitCode, stdout]).toEqual([
        0,
        '1 message of clients who were merged moved to the clients who have their other messages\n' +
          'ok: 0 messages linked, 0 clients created\n',
      ])
      expect(await clientsOf(database)).toEqual([last])
      expect(await countsOf(database)).toEqual([])
      expect(await reconciled(database)).toEqual({ ...preview, dryRun: false, messagesMoved: 0 })

      const { messages } = await store.getChatHistory({ clientId: pedro, limit: 10 })
      expect(messages.map(({ text }) => text)).toContain('late')
      const notes =
        'SELECT "messageIds"::integer[] AS "ids" FROM "chatkeep"."moved_messages" WHERE "clientId" = $1 AND "intoClientId" = $2'
      const late = messages.filter(({ text }) => text === 'late').map(({ id }) => id)
      expect(await database.query(notes, [pedro, last])).toEqual([{ ids: late }])
      // What an operator answered to that chat before it was moved.
      const found = await store.findChat(pedro, { at: answeredAt })
      expect(found).toMatchObject({ clientId: last, conversation: 'late' })
    })
  })

  test('waits for the next run while somebody holds it, and for a trigger that keeps it', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const [from, into] = [await saveAs(store, 'pedro'), await saveAs(store, 'maria')]
      await mergedMeanwhile(database, store, [{ from, into }], {})
    })
    const holder = await database.client()
    await holder.query('BEGIN')
    await holder.query('SELECT FROM "ChatMessage" FOR UPDATE')
    expect(await reconciled(database)).toMatchObject({ messagesMoved: 0, messagesLocked: 1 })
    await holder.query('ROLLBACK')
    const notes = (): Promise<unknown> => database.query('SELECT * FROM chatkeep.moved_messages')
    const before = await notes()
    for (const row of ['NULL', 'OLD']) {
      await database.load(`
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN ${row}; END';
        CREATE TRIGGER keep BEFORE UPDATE ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION keep()`)
      const { exitCode, stderr } = await on(database, 'reconcile')
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('1 message is unchanged: a trigger keeps rows')])
      expect(await countsOf(database)).toEqual(['1'])
      await database.load('DROP FUNCTION keep CASCADE')
    }
    expect(await notes()).toEqual(before)
  })

  test('is moved in batches, in a partitioned table, too', async ({ database }) => {
    await loadPartitioned(database)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    await withStore(database, async (store) => {
      const [from, into] = [await saveAs(store, 'pedro'), await saveAs(store, 'maria')]
      await store.mergeClients({ from, into })
      await database.query(
        `INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "createdAt")
         SELECT $1, 'CLIENT', 'TEXT', 'of another program ' || i, now() AT TIME ZONE 'UTC' FROM generate_series(1, 2500) AS i`,
        [from],
      )
      expect(await reconciled(database)).toMatchObject({ messagesMoved: 2500 })
      expect(await clientsOf(database)).not.toContain(from)
    })
  })

  test('is not moved by a role that may not note it, which is told the GRANT', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const [from, into] = [await saveAs(store, 'pedro'), await saveAs(store, 'maria')]
      await mergedMeanwhile(database, store, [{ from, into }], {})
    })
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`
        GRANT USAGE ON SCHEMA chatkeep TO ${name};
        GRANT SELECT, INSERT, UPDATE ON "ChatMessage", "Client" TO ${name};
        GRANT ALL ON ALL TABLES IN SCHEMA chatkeep TO ${name};
        REVOKE INSERT ON chatkeep.moved_messages FROM ${name};`)
      const { exitCode, stderr } = await on({ ...database, url }, 'reconcile')
      expect([exitCode, stderr]).toEqual([
        3,
        expect.stringContaining(`GRANT INSERT ON "chatkeep"."moved_messages" TO ${name}`),
      ])
    })
  })
})
