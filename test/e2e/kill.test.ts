import { migrated, on } from '../support/chat.js'
import { startChatkeep, whenEnded } from '../support/chatkeep-process.js'
import { withProxy } from '../support/cuttable-proxy.js'
import { dataOf } from '../support/database-state.js'
import { expect, test, type TestDatabase } from '../support/database.js'
import { loadFixture } from '../support/fixtures.js'
import { watchStatements } from '../support/statement-watch.js'

/** Starts the program and kills it (SIGKILL) while this statement is on its way. */
const killedAt = async (database: TestDatabase, statement: RegExp, ...argv: readonly string[]): Promise<void> => {
  let kill = (): unknown => undefined
  const tap = watchStatements((candidate) => (statement.test(candidate) ? () => void kill() : 'pass'))
  await withProxy(
    database.url,
    async ({ url }) => {
      const child = startChatkeep([...argv, '--database-url', url])
      kill = () => child.kill('SIGKILL')
      expect((await whenEnded(child)).signal).toBe('SIGKILL')
    },
    tap,
  )
}

test('a program that is killed (kill -9) in the middle of migrate or rollback is taken up by the next', async ({
  database,
}) => {
  const rollback = ['rollback', '--confirm', database.name] as const
  await loadFixture(database, 'hand-migrated')
  await killedAt(database, /^CREATE UNIQUE INDEX CONCURRENTLY/, 'migrate')
  await migrated(database)
  const before = await dataOf(database)
  await killedAt(database, /^INSERT INTO "chatkeep"."archive"/, ...rollback)
  await killedAt(
    database,
    /^COMMIT.*after: ALTER TABLE "ChatMessage" DROP COLUMN IF EXISTS "idempotencyKey"/,
    ...rollback,
  )
  await migrated(database)
  expect(await dataOf(database)).toEqual(before)
  expect((await on(database, 'verify')).exitCode).toBe(0)
})
