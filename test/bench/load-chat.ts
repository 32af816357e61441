import { duration } from '../../src/terminal/render.js'
import { CLIENT_COLUMNS, clientLines, MESSAGE_COLUMNS, messageLines, type ChatShape } from './chat-data.js'
import { checkFailed } from './check-failed.js'
import { copyLines } from './copy.js'
import { createTables } from './create-tables.js'
import type { Bench } from './scenario.js'
import { migrateDatabase, type BenchDatabase } from './server.js'

/** What makes the columns; the rest of the migrations is left to the product, after the rows are there. */
const COLUMNS_FIRST = ['create-chat-tables', 'allow-guest-messages', 'add-idempotency-key']

/**
 * Fills an empty database with a chat of that shape and brings it to the newest migration. Rows come before indexes,
 * and foreign keys are not checked row by row, since the rows are known to be right: minutes instead of hours.
 */
export const loadChat = async (
  { signal, progress }: Bench,
  database: BenchDatabase,
  shape: ChatShape,
): Promise<void> => {
  const { client } = database
  const startedAt = performance.now()
  const size = `${shape.messages.toLocaleString('en-US')} messages`
  const indexes = await createTables(client, COLUMNS_FIRST)

  await client.query(`SET session_replication_role = 'replica'`)
  await client.query(CREATE_OPERATORS, [shape.operators])
  const now = new Date()
  await copyLines(client, `"Client" (${CLIENT_COLUMNS})`, clientLines(shape, now), signal)
  const rows = await copyLines(client, `"ChatMessage" (${MESSAGE_COLUMNS})`, messageLines(shape, now), signal)
  if (rows !== shape.messages) throw checkFailed(`${shape.messages} messages were to be loaded, ${rows} are there`)
  await client.query('RESET session_replication_role')
  progress.line(`reads: ${size}: rows loaded after ${duration(performance.now() - startedAt)}`)

  for (const statement of indexes) await client.query(statement)
  await migrateDatabase(database, signal)
  progress.line(`reads: ${size}: indexes and migrations done after ${duration(performance.now() - startedAt)}`)
  await client.query('VACUUM (ANALYZE)')
  await client.query('CHECKPOINT')
  progress.line(`reads: ${size}: ready after ${duration(performance.now() - startedAt)}`)
}

const CREATE_OPERATORS = `
  INSERT INTO "User" ("name", "username", "passwordHash", "updatedAt")
  SELECT 'operator ' || n, 'operator ' || n, '-', now() AT TIME ZONE 'UTC' FROM generate_series(1, $1) AS n`
