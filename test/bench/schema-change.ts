import type { BenchProcess } from './bench-process.js'
import { runInChild } from './chatkeep-child.js'
import type { BenchDatabase } from './server.js'

/** A part of a change of the schema, and when it was done, by the clock of `performance.now()`. */
export interface Step {
  readonly name: string
  readonly endedAt: number
}

/** Changes the schema. @returns what it did, in order */
export type SchemaChange = (database: BenchDatabase) => Promise<readonly Step[]>

/** The statements of the update guide, which psql would run one by one. */
const UPDATE_STATEMENTS = [
  'ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" DROP NOT NULL',
  'ALTER TABLE "ChatMessage" ADD COLUMN IF NOT EXISTS "guestUsername" TEXT',
  'ALTER TABLE "ChatMessage" ADD COLUMN IF NOT EXISTS "guestPhone" TEXT',
  'CREATE INDEX IF NOT EXISTS "ChatMessage_guestUsername_createdAt_idx" ON "ChatMessage" ("guestUsername", "createdAt" DESC)',
  'CREATE INDEX IF NOT EXISTS "ChatMessage_clientSocketId_createdAt_idx" ON "ChatMessage" ("clientSocketId", "createdAt" DESC)',
]

/** Its plan to roll back. The data of guests is gone afterwards, and it fails where a message has no client. */
const ROLLBACK_STATEMENTS = [
  'ALTER TABLE "ChatMessage" DROP COLUMN IF EXISTS "guestUsername"',
  'ALTER TABLE "ChatMessage" DROP COLUMN IF EXISTS "guestPhone"',
  'ALTER TABLE "ChatMessage" ALTER COLUMN "clientId" SET NOT NULL',
  'DROP INDEX IF EXISTS "ChatMessage_guestUsername_createdAt_idx"',
  'DROP INDEX IF EXISTS "ChatMessage_clientSocketId_createdAt_idx"',
]

const inPlainSql =
  (statements: readonly string[]): SchemaChange =>
  async ({ client }) => {
    const steps: Step[] = []
    for (const statement of statements) {
      await client.query(statement)
      steps.push({
        name: statement.replaceAll('"', '').replace('IF NOT EXISTS ', ''),
        endedAt: performance.now(),
      })
    }
    return steps
  }

export const plainUpdate = inPlainSql(UPDATE_STATEMENTS)
export const plainRollback = inPlainSql(ROLLBACK_STATEMENTS)

/** `chatkeep migrate` in a process of its own. */
export const chatkeepMigrate =
  (process: BenchProcess): SchemaChange =>
  (database) =>
    inChatkeep(process, ['migrate'], database)

/** `chatkeep rollback` in a process of its own. */
export const chatkeepRollback =
  (process: BenchProcess, name: string): SchemaChange =>
  (database) =>
    inChatkeep(process, ['rollback', '--confirm', name], database)

// Every line says what has just been done or, of the parts that go before the drops, what begins.
const inChatkeep = async (
  process: BenchProcess,
  argv: readonly string[],
  { url }: BenchDatabase,
): Promise<readonly Step[]> => {
  const steps: Step[] = []
  await runInChild(process, argv, url, (line) =>
    steps.push({ name: line.replace(/ +/g, ' ').replace(/ \d+ ms$/, ''), endedAt: performance.now() }),
  )
  return steps
}
