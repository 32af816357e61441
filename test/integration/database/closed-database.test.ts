import { migrated } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { allowConnections, expect, test } from '../../support/database.js'

test('--wait-for-database waits for a database that takes no connections for now', async ({ database }) => {
  await migrated(database)
  await allowConnections(database, false)
  const dryRun = ['migrate', '--dry-run', '--database-url', database.url]
  const refused = await runChatkeep(dryRun)
  expect([refused.exitCode, refused.stderr]).toEqual([
    3,
    expect.stringContaining('not currently accepting connections'),
  ])
  let opened: Promise<void> | undefined
  const { exitCode, stderr } = await runChatkeep([...dryRun, '--wait-for-database', '1m'], {
    onStderr: (text) => {
      if (text.includes('waiting for the database')) opened ??= allowConnections(database, true)
    },
  })
  await opened
  expect(exitCode, stderr).toBe(0)
})
