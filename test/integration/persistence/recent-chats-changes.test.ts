import type { ChatStoreOptions, RecentChat } from '../../../src/index.js'
import { createChatStore } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'

/** A message's chat, where it counts, and when: minutes after nine. */
interface Message {
  readonly id?: number
  readonly clientId?: number
  readonly guest?: string
  readonly minute: number
}

const insertMessages = (...messages: readonly Message[]): string =>
  `INSERT INTO "ChatMessage" ("id", "senderType", "messageType", "clientId", "guestUsername", "createdAt") VALUES ${messages
    .map(({ id, clientId, guest, minute }) => {
      const name = guest === undefined ? 'NULL' : `'${guest}'`
      return `(${id ?? 'DEFAULT'}, 'CLIENT', 'TEXT', ${clientId ?? 'NULL'}, ${name}, ${instant(minute)})`
    })
    .join(', ')}`

const instant = (minute: number): string => `timestamp '2026-01-05 09:00' + interval '${minute} minutes'`

const deleteAt = (minute: number): string => `DELETE FROM "ChatMessage" WHERE "createdAt" = ${instant(minute)}`

const withClients = async (database: TestDatabase): Promise<void> => {
  await migrated(database)
  await database.query(
    `INSERT INTO "Client" ("updatedAt", "username") SELECT now(), 'client' || n FROM generate_series(1, 4) AS n`,
  )
}

/** A chat as `c1 3` or `gana 5`: the client or guest, and the minute of the last message. */
const summaryOf = ({ clientId, username, lastMessage: { createdAt } }: RecentChat): string =>
  `${clientId === null ? `g${username}` : `c${clientId}`} ${(createdAt.getTime() - Date.UTC(2026, 0, 5, 9)) / 60_000}`

/** The list as it is read, page by page, two chats each. */
const list = async (database: TestDatabase, options: ChatStoreOptions = {}): Promise<readonly string[]> =>
  withStore(
    database,
    async (store) => {
      const chats: RecentChat[] = []
      for (let before: string | null | undefined; before !== null;) {
        const page = await store.getRecentChats({ limit: 2, before })
        chats.push(...page.chats)
        before = page.nextBefore
      }
      return chats.map(summaryOf)
    },
    options,
  )

describe('recent chats', () => {
  test('follow plain SQL of any program', async ({ database }) => {
    await withClients(database)
    const after = async (sql: string): Promise<readonly string[]> => {
      await database.load(sql)
      return list(database)
    }
    expect(await after(insertMessages({ clientId: 1, minute: 1 }))).toEqual(['c1 1'])
    expect(await after(insertMessages({ clientId: 1, minute: 3 }))).toEqual(['c1 3'])
    expect(await after(insertMessages({ clientId: 1, minute: 2 }))).toEqual(['c1 3'])
    expect(
      await after(
        insertMessages(
          { guest: 'ana', minute: 4 },
          { guest: 'ana', minute: 5 },
          { clientId: 2, guest: 'x', minute: 6 },
          { minute: 9 },
        ),
      ),
    ).toEqual(['c2 6', 'gana 5', 'c1 3'])
    // A guest becomes a client; a guest is renamed; a message is moved in time; an update of anything else does nothing.
    expect(await after(`UPDATE "ChatMessage" SET "clientId" = 3 WHERE "guestUsername" = 'ana'`)).toEqual([
      'c2 6',
      'c3 5',
      'c1 3',
    ])
    expect(await after(`UPDATE "ChatMessage" SET "clientId" = NULL WHERE "clientId" = 3`)).toEqual([
      'c2 6',
      'gana 5',
      'c1 3',
    ])
    expect(await after(`UPDATE "ChatMessage" SET "guestUsername" = 'bea' WHERE "createdAt" = ${instant(5)}`)).toEqual([
      'c2 6',
      'gbea 5',
      'gana 4',
      'c1 3',
    ])
    expect(
      await after(`UPDATE "ChatMessage" SET "createdAt" = ${instant(7)} WHERE "createdAt" = ${instant(2)}`),
    ).toEqual(['c1 7', 'c2 6', 'gbea 5', 'gana 4'])
    expect(
      await after(`UPDATE "ChatMessage" SET "createdAt" = ${instant(1)} WHERE "createdAt" = ${instant(7)}`),
    ).toEqual(['c2 6', 'gbea 5', 'gana 4', 'c1 3'])
    expect(await after(`UPDATE "ChatMessage" SET "isRead" = true, "guestUsername" = 'y' WHERE "clientId" = 2`)).toEqual(
      ['c2 6', 'gbea 5', 'gana 4', 'c1 3'],
    )
    expect(await after(deleteAt(3))).toEqual(['c2 6', 'gbea 5', 'gana 4', 'c1 1'])
    expect(await after(`DELETE FROM "ChatMessage" WHERE "guestUsername" IS NOT NULL`)).toEqual(['c1 1'])
    expect(await after('TRUNCATE "ChatMessage"')).toEqual([])
  })

  test('follow ON CONFLICT, ids that change with their client, and clients that are merged', async ({ database }) => {
    await withClients(database)
    await database.load(insertMessages({ id: 1, clientId: 1, minute: 1 }, { id: 2, clientId: 2, minute: 2 }))
    await database.load(
      `${insertMessages({ id: 1, clientId: 1, minute: 8 })} ON CONFLICT ("id") DO UPDATE SET "createdAt" = EXCLUDED."createdAt"`,
    )
    expect(await list(database)).toEqual(['c1 8', 'c2 2'])
    await database.load(`UPDATE "Client" SET "id" = 77 WHERE "id" = 1`)
    expect(await list(database)).toEqual(['c77 8', 'c2 2'])
    await database.load(`UPDATE "ChatMessage" SET "clientId" = 2 WHERE "clientId" = 77`)
    expect(await list(database)).toEqual(['c2 8'])
  })

  test('go by time, then id, whatever ids an import gives', async ({ database }) => {
    await withClients(database)
    await database.load(
      insertMessages(
        { id: 900, clientId: 1, minute: 1 },
        { id: 30, clientId: 2, minute: 5 },
        { id: 40, guest: 'ana', minute: 5 },
        { id: 20, clientId: 3, minute: 5 },
        { id: 50, clientId: 4, minute: 5 },
        { id: 10, clientId: 4, minute: 6 },
      ),
    )
    expect(await list(database)).toEqual(['c4 6', 'gana 5', 'c2 5', 'c3 5', 'c1 1'])
  })

  test('take back what is rolled back, to a savepoint, too', async ({ database }) => {
    await withClients(database)
    const writer = await database.client()
    await writer.query(insertMessages({ clientId: 1, minute: 1 }))
    await writer.query(`BEGIN; ${insertMessages({ clientId: 1, minute: 5 })}; ROLLBACK`)
    expect(await list(database)).toEqual(['c1 1'])
    await writer.query(`BEGIN; SAVEPOINT s; ${insertMessages({ clientId: 1, minute: 5 })}; ROLLBACK TO s;
      ${insertMessages({ clientId: 1, minute: 2 })}; SAVEPOINT t; ${deleteAt(2)}; ROLLBACK TO t; COMMIT`)
    expect(await list(database)).toEqual(['c1 2'])
    await writer.query(`BEGIN; TRUNCATE "ChatMessage"; ROLLBACK`)
    expect(await list(database)).toEqual(['c1 2'])
  })

  test('have a message that is committed late, with a smaller id and an earlier instant than others', async ({
    database,
  }) => {
    await withClients(database)
    const late = await database.client()
    await late.query(`BEGIN; ${insertMessages({ clientId: 1, minute: 3 }, { guest: 'ana', minute: 4 })}`)
    await database.load(insertMessages({ clientId: 2, minute: 6 }, { clientId: 3, minute: 1 }))
    expect(await list(database)).toEqual(['c2 6', 'c3 1'])
    await late.query('COMMIT')
    expect(await list(database)).toEqual(['c2 6', 'gana 4', 'c1 3', 'c3 1'])
  })

  test('have what is written without triggers, as a subscription and a restore do', async ({ database }) => {
    await withClients(database)
    await database.load(`SET session_replication_role = 'replica';
      ${insertMessages({ clientId: 1, minute: 1 }, { clientId: 1, minute: 4 }, { guest: 'ana', minute: 2 })};
      ${deleteAt(4)};
      RESET session_replication_role`)
    expect(await list(database)).toEqual(['gana 2', 'c1 1'])
  })

  test('are there for a role that may only read, in a session that may not write', async ({ database }) => {
    await withClients(database)
    await database.load(insertMessages({ clientId: 1, minute: 1 }, { guest: 'ana', minute: 2 }))
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`GRANT SELECT ON "ChatMessage", "Client" TO ${name};
        ALTER ROLE ${name} SET default_transaction_read_only = on`)
      const store = createChatStore({ databaseUrl: url })
      try {
        const { chats } = await store.getRecentChats()
        expect(chats.map(summaryOf)).toEqual(['gana 2', 'c1 1'])
      } finally {
        await store.close()
      }
    })
  })
})
