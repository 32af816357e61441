import { join } from 'node:path'
import { runChatkeep } from '../../support/chatkeep.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { expect } from '../../support/database.js'
import { query, test } from '../../support/embedded-servers.js'
import { killServer } from '../../support/kill-server.js'
import { watchStatements } from '../../support/statement-watch.js'

const MESSAGES = `SELECT md5(string_agg(md5(to_jsonb(m)::text), '' ORDER BY "id")) AS md5 FROM "ChatMessage" AS m`

const GUESTS = `
  INSERT INTO "Client" ("username", "updatedAt") SELECT 'client' || n, now() FROM generate_series(1, 5) AS n;
  INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "guestUsername", "guestPhone", "idempotencyKey")
  SELECT NULLIF(n % 5, 0), 'CLIENT', 'TEXT', CASE n % 5 WHEN 0 THEN 'guest' || n ELSE 'client1' END, '+' || n, 'key' || n
  FROM generate_series(1, 40) AS n`

// Durable: what the next server finds is what the killed one had flushed.
test('a server that is killed in the middle of rollback and migrate finds everything again', async ({ embedded }) => {
  const options = { settings: {}, dataDirectory: join(embedded.folder, 'killed') }
  let server = await embedded.start(options)
  const succeed = async (...argv: readonly string[]): Promise<void> => {
    const { exitCode, stderr } = await runChatkeep([...argv, '--database-url', server.url('postgres')])
    expect(exitCode, stderr).toBe(0)
  }
  await succeed('migrate', '--create-tables')
  await query(server.url('postgres'), GUESTS)
  const before = await query(server.url('postgres'), MESSAGES)
  const killedAt = async (statement: RegExp, ...argv: readonly string[]): Promise<void> => {
    let killing: Promise<void> | undefined
    const kill = watchStatements((candidate) =>
      killing === undefined && statement.test(candidate) ? () => (killing = killServer(server)) : 'pass',
    )
    await withProxy(
      server.url('postgres'),
      async ({ url }) => {
        const { exitCode, stderr } = await runChatkeep([...argv, '--database-url', url])
        expect(exitCode, stderr).toBe(3)
        expect(stderr).toMatch(/^error: .*connection/m)
      },
      kill,
    )
    await killing
    await server.stop()
    server = await embedded.start(options)
  }
  const rollback = ['rollback', '--confirm', 'postgres'] as const
  await killedAt(/^WITH wanted/, ...rollback)
  await killedAt(/DROP INDEX CONCURRENTLY/, ...rollback)
  await succeed(...rollback)
  await killedAt(/CREATE INDEX CONCURRENTLY "ChatMessage_guestUsername/, 'migrate')
  await succeed('migrate')
  expect(await query(server.url('postgres'), MESSAGES)).toEqual(before)
  await succeed('verify')
})
