import { readFile } from 'node:fs/promises'
import type pg from 'pg'
import { migrated, on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole, type LimitedRole } from '../../support/limited-role.js'

/** A message's chat, where it counts, and when: minutes after nine. */
interface Message {
  readonly clientId?: number
  readonly guest?: string
  readonly minute: number
}

const insertMessages = (...messages: readonly Message[]): string =>
  `INSERT INTO "ChatMessage" ("senderType", "messageType", "clientId", "guestUsername", "createdAt") VALUES ${messages
    .map(({ clientId, guest, minute }) => {
      const name = guest === undefined ? 'NULL' : `'${guest}'`
      return `('CLIENT', 'TEXT', ${clientId ?? 'NULL'}, ${name}, ${instant(minute)})`
    })
    .join(', ')}`

// Not on the minute: the list goes by minutes, messages do not.
const instant = (minute: number): string => `timestamp '2026-01-05 09:00:30' + interval '${minute} minutes'`

const deleteAt = (minute: number): string => `DELETE FROM "ChatMessage" WHERE "createdAt" = ${instant(minute)}`

const withClients = async (database: TestDatabase): Promise<void> => {
  await migrated(database)
  await database.query(
    `INSERT INTO "Client" ("updatedAt", "username") SELECT now(), 'client' || n FROM generate_series(1, 4) AS n`,
  )
}

/** A session in which nobody may be waited for. */
const impatient = async (database: TestDatabase, isolation = 'READ COMMITTED'): Promise<pg.Client> => {
  const client = await database.client()
  await client.query(`SET lock_timeout = '50ms'`)
  await client.query(`SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL ${isolation}`)
  return client
}

/** The list, each row as `c1 3`: the chat and the minutes after nine. */
const list = async (database: TestDatabase): Promise<readonly string[]> => {
  const rows = await database.query<{ row: string }>(
    `SELECT "chat" || ' ' || floor(extract(epoch FROM "period" - timestamp '2026-01-05 09:00') / 60) AS row
     FROM "chatkeep_chats" ORDER BY "chat", "period"`,
  )
  return rows.map(({ row }) => row.replace(/\.0+$/, ''))
}

const SELECT_MISSING = `
  SELECT m.*
  FROM (SELECT "chatkeep_chat"("clientId", "guestUsername") AS "chat", "chatkeep_period"(max("createdAt")) AS "period"
        FROM "ChatMessage" GROUP BY 1) AS m
  WHERE m."chat" IS NOT NULL
    AND NOT EXISTS (SELECT FROM "chatkeep_chats" AS k WHERE k."chat" = m."chat" AND k."period" >= m."period")`

/** What the list is for: no chat is later than its row. */
const expectComplete = async (database: TestDatabase): Promise<void> => {
  expect(await database.query(SELECT_MISSING)).toEqual([])
}

describe('the list of chats', () => {
  test('follows plain SQL of any program', async ({ database }) => {
    await withClients(database)
    const after = async (sql: string): Promise<readonly string[]> => {
      await database.load(sql)
      await expectComplete(database)
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
    ).toEqual(['c1 3', 'c2 6', 'gana 5'])
    // A guest becomes a client; a guest is renamed; a message is moved in time; an update of anything else does nothing.
    expect(await after(`UPDATE "ChatMessage" SET "clientId" = 3 WHERE "guestUsername" = 'ana'`)).toEqual([
      'c1 3',
      'c2 6',
      'c3 5',
    ])
    expect(await after(`UPDATE "ChatMessage" SET "clientId" = NULL WHERE "clientId" = 3`)).toEqual([
      'c1 3',
      'c2 6',
      'gana 5',
    ])
    expect(await after(`UPDATE "ChatMessage" SET "guestUsername" = 'bea' WHERE "createdAt" = ${instant(5)}`)).toEqual([
      'c1 3',
      'c2 6',
      'gana 4',
      'gbea 5',
    ])
    expect(
      await after(`UPDATE "ChatMessage" SET "createdAt" = ${instant(7)} WHERE "createdAt" = ${instant(2)}`),
    ).toEqual(['c1 7', 'c2 6', 'gana 4', 'gbea 5'])
    expect(
      await after(`UPDATE "ChatMessage" SET "createdAt" = ${instant(1)} WHERE "createdAt" = ${instant(7)}`),
    ).toEqual(['c1 3', 'c2 6', 'gana 4', 'gbea 5'])
    expect(await after(`UPDATE "ChatMessage" SET "isRead" = true, "guestUsername" = 'y' WHERE "clientId" = 2`)).toEqual(
      ['c1 3', 'c2 6', 'gana 4', 'gbea 5'],
    )
    expect(await after(deleteAt(3))).toEqual(['c1 1', 'c2 6', 'gana 4', 'gbea 5'])
    expect(await after(`DELETE FROM "ChatMessage" WHERE "guestUsername" IS NOT NULL`)).toEqual(['c1 1'])
    expect(await after('TRUNCATE "ChatMessage"')).toEqual([])
  })

  test('follows COPY, ON CONFLICT, and ids that change with their client', async ({ database }) => {
    await withClients(database)
    await database.load(insertMessages({ clientId: 1, minute: 1 }))
    await database.load(
      `${insertMessages({ clientId: 1, minute: 8 }).replace('INSERT INTO "ChatMessage" (', 'INSERT INTO "ChatMessage" ("id", ').replace('VALUES (', 'VALUES (1, ')}
       ON CONFLICT ("id") DO UPDATE SET "createdAt" = EXCLUDED."createdAt"`,
    )
    expect(await list(database)).toEqual(['c1 8'])
    await database.load(`UPDATE "Client" SET "id" = 77 WHERE "id" = 1`)
    expect(await list(database)).toEqual(['c77 8'])
    await database.load(`${insertMessages({ clientId: 2, minute: 1 })} ON CONFLICT DO NOTHING`)
    expect(await list(database)).toEqual(['c2 1', 'c77 8'])
  })

  test('changes one row, not one a message, when a whole chat moves', async ({ database }) => {
    await withClients(database)
    const writer = await database.client()
    await database.query(insertMessages(...Array.from({ length: 200 }, (_, minute) => ({ guest: 'ana', minute }))))
    await writer.query(`BEGIN; UPDATE "ChatMessage" SET "clientId" = 1`)
    const { rows } = await writer.query(
      `SELECT n_tup_ins::integer AS added, n_tup_del::integer AS removed FROM pg_stat_xact_user_tables WHERE relname = 'chatkeep_chats'`,
    )
    await writer.query('COMMIT')
    expect(rows).toEqual([{ added: 1, removed: 1 }])
    expect(await list(database)).toEqual(['c1 199'])
  })

  test('takes back what is rolled back, to a savepoint, too', async ({ database }) => {
    await withClients(database)
    const writer = await impatient(database)
    await writer.query(insertMessages({ clientId: 1, minute: 1 }))
    await writer.query(`BEGIN; ${insertMessages({ clientId: 1, minute: 5 })}; ROLLBACK`)
    expect(await list(database)).toEqual(['c1 1'])
    await writer.query(`BEGIN; SAVEPOINT s; ${insertMessages({ clientId: 1, minute: 5 })}; ROLLBACK TO s;
      ${insertMessages({ clientId: 1, minute: 2 })}; SAVEPOINT t; ${deleteAt(2)}; ROLLBACK TO t; COMMIT`)
    await expectComplete(database)
    expect(await list(database)).toEqual(['c1 2'])
    await writer.query(`BEGIN; TRUNCATE "ChatMessage"; ROLLBACK`)
    expect(await list(database)).toEqual(['c1 2'])
  })

  test.for(['READ COMMITTED', 'REPEATABLE READ'])(
    'lets nobody wait, and keeps the row that a writer relies on: %s',
    async (isolation, { database }) => {
      await withClients(database)
      const [writer, deleter, other] = await Promise.all([
        impatient(database, isolation),
        impatient(database, isolation),
        impatient(database, isolation),
      ])
      const both = async (first: 'COMMIT' | 'ROLLBACK', second: 'COMMIT' | 'ROLLBACK'): Promise<void> => {
        await deleter.query(first)
        await expectComplete(database)
        await writer.query(second)
        await expectComplete(database)
      }
      for (const first of ['COMMIT', 'ROLLBACK'] as const) {
        for (const second of ['COMMIT', 'ROLLBACK'] as const) {
          await database.load(
            `TRUNCATE "ChatMessage"; ${insertMessages({ clientId: 1, minute: 5 }, { clientId: 1, minute: 1 })}`,
          )
          // The writer relies on the row; the message that made it is deleted.
          await writer.query(`BEGIN; ${insertMessages({ clientId: 1, minute: 5 })}`)
          await deleter.query(`BEGIN; DELETE FROM "ChatMessage" WHERE "id" = (SELECT min("id") FROM "ChatMessage")`)
          await both(first, second)

          // The deleter holds the row when the writer comes.
          await database.load(
            `TRUNCATE "ChatMessage"; ${insertMessages({ clientId: 1, minute: 5 }, { clientId: 1, minute: 1 })}`,
          )
          await deleter.query(`BEGIN; ${deleteAt(5)}`)
          await writer.query(`BEGIN; ${insertMessages({ clientId: 1, minute: 5 })}`)
          await both(first, second)

          // A later message takes the place of the row; an earlier one comes meanwhile.
          await database.load(`TRUNCATE "ChatMessage"; ${insertMessages({ clientId: 1, minute: 1 })}`)
          await deleter.query(`BEGIN; ${insertMessages({ clientId: 1, minute: 9 })}`)
          await writer.query(`BEGIN; ${insertMessages({ clientId: 1, minute: 1 })}`)
          await other.query(insertMessages({ clientId: 1, minute: 3 }))
          await both(first, second)

          // Two delete; what is left for the one is not what is left.
          await database.load(
            `TRUNCATE "ChatMessage"; ${insertMessages({ clientId: 1, minute: 5 }, { clientId: 1, minute: 4 }, { clientId: 1, minute: 1 })}`,
          )
          await deleter.query(`BEGIN; ${deleteAt(5)}`)
          await writer.query(`BEGIN; ${deleteAt(4)}`)
          await both(first, second)

          // Both look, then one writes and commits, then the other, which looked before.
          await database.load(`TRUNCATE "ChatMessage"; ${insertMessages({ clientId: 1, minute: 5 })}`)
          await deleter.query('BEGIN; SELECT count(*) FROM "ChatMessage"')
          await writer.query('BEGIN; SELECT count(*) FROM "ChatMessage"')
          await other.query(insertMessages({ clientId: 1, minute: 5 }, { clientId: 1, minute: 6 }))
          await deleter.query(`DELETE FROM "ChatMessage" WHERE "id" = (SELECT min("id") FROM "ChatMessage")`)
          await writer.query(insertMessages({ clientId: 1, minute: 4 }))
          await both(first, second)
        }
      }
    },
  )

  test('stays right under sessions that do anything at once', async ({ database }) => {
    await withClients(database)
    const random = randomNumbers(20_260_105)
    const sessions = await Promise.all(
      ['READ COMMITTED', 'READ COMMITTED', 'READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ'].map((isolation) =>
        impatient(database, isolation),
      ),
    )
    await Promise.all(sessions.map((session) => doAnything(session, random, 120)))
    await expectComplete(database)
    expect((await database.query('SELECT FROM "ChatMessage"')).length).toBeGreaterThan(50)
    // One quiet later message of each chat tidies up: the list does not grow with the messages.
    await database.load(insertMessages(...CHATS.map((chat) => ({ ...chat, minute: 100 }))))
    expect(await list(database)).toEqual(['c1 100', 'c2 100', 'c3 100', 'gana 100', 'gbea 100'])
  })

  test('may be read, and is kept right, by whoever may read and write messages, and by nobody else', async ({
    database,
  }) => {
    await migrated(database)
    await database.load('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await withRoles(database, async (owner, application, stranger) => {
      await database.load(
        `GRANT CREATE, USAGE ON SCHEMA public TO ${owner.name}; GRANT USAGE ON SCHEMA public TO PUBLIC`,
      )
      const asOwner = await database.client({ connectionString: owner.url })
      await asOwner.query(
        await readFile(new URL('../../../migrations/1_create-chat-tables.sql', import.meta.url), 'utf8'),
      )
      await asOwner.query(`
        GRANT SELECT, INSERT, UPDATE ON "ChatMessage", "Client" TO ${application.name};
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${application.name}`)
      const { exitCode, stderr } = await runChatkeep(['migrate', '--database-url', owner.url])
      expect(exitCode, stderr).toBe(0)

      const asApplication = await database.client({ connectionString: application.url })
      await asApplication.query(insertMessages({ guest: 'ana', minute: 1 }))
      await asApplication.query(`UPDATE "ChatMessage" SET "guestUsername" = 'bea'`)
      expect((await asApplication.query('SELECT "chat" FROM "chatkeep_chats"')).rows).toEqual([{ chat: 'gbea' }])
      await asApplication.query('INSERT INTO "chatkeep_guest_clients" VALUES (1)')
      await expect(asApplication.query('DELETE FROM "chatkeep_chats"')).rejects.toThrow('permission denied')
      const asStranger = await database.client({ connectionString: stranger.url })
      await expect(asStranger.query('SELECT * FROM "chatkeep_chats"')).rejects.toThrow('permission denied')
      await expect(asStranger.query('SELECT * FROM "chatkeep_guest_clients"')).rejects.toThrow('permission denied')

      // A table of the same name that a writer makes for himself is not taken for ours.
      await asApplication.query(`CREATE TEMPORARY TABLE "chatkeep_chats" ("chat" text, "period" timestamp)`)
      await asApplication.query(insertMessages({ guest: 'eva', minute: 2 }))
      expect((await asApplication.query('SELECT * FROM pg_temp."chatkeep_chats"')).rows).toEqual([])
      await expectComplete(database)
    })
  })

  test('is for the owner alone where row-level security hides messages', async ({ database }) => {
    await migrated(database)
    await withLimitedRole(database, async ({ name, url }) => {
      await database.load(`GRANT SELECT ON "ChatMessage" TO ${name}; ALTER TABLE "ChatMessage" ENABLE ROW LEVEL SECURITY;
        DROP TABLE "chatkeep_chats"`)
      expect((await on(database, 'migrate')).exitCode).toBe(0)
      const reader = await database.client({ connectionString: url })
      await expect(reader.query('SELECT * FROM "chatkeep_chats"')).rejects.toThrow('permission denied')
    })
  })
})

const withRoles = (
  database: TestDatabase,
  work: (owner: LimitedRole, application: LimitedRole, stranger: LimitedRole) => Promise<void>,
): Promise<void> =>
  withLimitedRole(database, (owner) =>
    withLimitedRole(database, (application) =>
      withLimitedRole(database, (stranger) => work(owner, application, stranger)),
    ),
  )

const CHATS = [{ clientId: 1 }, { clientId: 2 }, { clientId: 3 }, { guest: 'ana' }, { guest: 'bea' }] as const

type Random = (below: number) => number

// mulberry32: the same numbers at every run. Which session takes which, the server decides.
const randomNumbers = (seed: number): Random => {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

/** Random transactions. Messages that another session holds are left alone, so that only the list could make anybody wait. */
const doAnything = async (session: pg.Client, random: Random, transactions: number): Promise<void> => {
  const message = (): Message => ({ ...(CHATS[random(CHATS.length)] ?? {}), minute: random(8) })
  const pick = async (): Promise<string | undefined> => {
    const order = random(2) === 0 ? '"createdAt" DESC' : `md5("id"::text || '${random(100)}')`
    const { rows } = await session.query<{ id: number }>(
      `SELECT "id" FROM "ChatMessage" ORDER BY ${order} LIMIT ${1 + random(3)} FOR UPDATE SKIP LOCKED`,
    )
    return rows.length === 0 ? undefined : rows.map(({ id }) => id).join(', ')
  }
  const change = async (): Promise<void> => {
    const kind = random(10)
    if (kind < 5) {
      await session.query(insertMessages(...Array.from({ length: 1 + random(3) }, message)))
      return
    }
    const ids = await pick()
    if (ids === undefined) return
    const { clientId = null, guest = null, minute } = message()
    const assignment = random(2) === 0 ? `"createdAt" = ${instant(minute)}` : `"clientId" = $1, "guestUsername" = $2`
    if (kind < 8) await session.query(`DELETE FROM "ChatMessage" WHERE "id" IN (${ids})`)
    else if (assignment.includes('$1'))
      await session.query(`UPDATE "ChatMessage" SET ${assignment} WHERE "id" IN (${ids})`, [clientId, guest])
    else await session.query(`UPDATE "ChatMessage" SET ${assignment} WHERE "id" IN (${ids})`)
  }
  for (let n = 0; n < transactions; n += 1) {
    await session.query('BEGIN')
    try {
      for (let statements = 1 + random(4); statements > 0; statements -= 1) {
        const undone = random(4) === 0
        if (undone) await session.query('SAVEPOINT s')
        await change()
        if (undone) await session.query('ROLLBACK TO SAVEPOINT s')
      }
      await session.query(random(4) === 0 ? 'ROLLBACK' : 'COMMIT')
    } catch (error) {
      // Under REPEATABLE READ a message that was changed since cannot be picked; that is not the list's doing.
      const { code, where } = error as { readonly code?: string; readonly where?: string }
      if (code !== '40001' || where !== undefined) throw error
      await session.query('ROLLBACK')
    }
  }
}
