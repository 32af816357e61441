import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { expect, type TestDatabase } from './database.js'

interface Written {
  readonly text: string
  readonly guestUsername: string | null
  readonly idempotencyKey: string | null
}

/** The columns that each version of the application writes; the old one has no guests. */
const VERSIONS = {
  new: '"guestUsername", "idempotencyKey"',
  old: '',
} as const

/**
 * Writes messages of a client while the work lasts: as the new application if the database has its columns, else as the
 * old one. Then checks that each acknowledged message is there, as it was written.
 */
export const withWriter = async (database: TestDatabase, work: () => Promise<void>): Promise<void> => {
  const client = await database.client({ application_name: 'chatkeep writer' })
  const acknowledged: Written[] = []
  const isOver = { value: false }
  const writing = (async () => {
    for (let number = 0; !isOver.value; number += 1) {
      acknowledged.push(await write(client, `written ${number}`, number))
      // Fifty messages a second is a lively chat; writing without a pause would slow down everything else.
      await delay(20)
    }
  })()
  try {
    await work()
  } finally {
    isOver.value = true
    await writing
  }
  const stored = await database.query<Written & pg.QueryResultRow>(
    `SELECT "text", "guestUsername", "idempotencyKey" FROM "ChatMessage" WHERE "text" LIKE 'written %' ORDER BY "id"`,
  )
  expect(stored.length).toBeGreaterThan(50)
  expect(stored).toEqual(acknowledged)
}

const UNDEFINED_COLUMN = '42703'

const write = async (client: pg.Client, text: string, number: number): Promise<Written> => {
  const columns = '"clientId", "senderType", "messageType", "text"'
  try {
    const guest = { guestUsername: `writer ${number % 5}`, idempotencyKey: text }
    await client.query(
      `INSERT INTO "ChatMessage" (${columns}, ${VERSIONS.new}) VALUES (1, 'CLIENT', 'TEXT', $1, $2, $3)`,
      [text, guest.guestUsername, guest.idempotencyKey],
    )
    return { text, ...guest }
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== UNDEFINED_COLUMN) throw error
    await client.query(`INSERT INTO "ChatMessage" (${columns}) VALUES (1, 'CLIENT', 'TEXT', $1)`, [text])
    return { text, guestUsername: null, idempotencyKey: null }
  }
}
