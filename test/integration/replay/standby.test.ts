import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runChatkeep } from '../../support/chatkeep.js'
import { startReplication, withChatTables } from '../../support/replication.js'
import { until } from '../../support/until.js'

const line = (text: string) =>
  JSON.stringify({ at: '2026-04-01T09:00:08Z', conversation: 'c1', from: 'client', username: 'maria', text })

test('a comparison with a standby is ok or unknown, never "lost"', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-standby-'))
  const replication = await startReplication({
    prepare: withChatTables,
  })
  const { primary, standby } = replication
  const file = join(folder, 'chats.ndjson')
  const replay = (url: string, ...argv: string[]) =>
    runChatkeep(['replay', file, '--json', '--database-url', url, ...argv])
  try {
    await standby.query('SELECT pg_wal_replay_pause()')
    await writeFile(file, `${line('one')}\n${line('two')}\n`)
    expect((await replay(primary.url())).exitCode).toBe(0)

    const behind = await replay(standby.url(), '--check-only')
    expect(behind.exitCode, behind.stderr).toBe(3)
    expect(behind.stderr).toMatch(
      /the server that answered is a standby(, .* behind)?: only the primary knows what is stored/,
    )

    await standby.query('SELECT pg_wal_replay_resume()')
    const stored = `SELECT FROM "ChatMessage" WHERE "text" = 'two'`
    await until(async () => (await standby.query(stored)).length === 1, { what: 'the standby has caught up' })
    const caughtUp = await replay(standby.url(), '--check-only')
    expect(caughtUp.exitCode, caughtUp.stderr).toBe(0)
    expect(JSON.parse(caughtUp.stdout)).toMatchObject({
      found: 2,
      standby: expect.stringMatching(/^standby/) as unknown,
    })

    // Another standby may have been promoted meanwhile, which lacks what this one has.
    await primary.stop('fast')
    await until(async () => (await standby.query('SELECT FROM pg_stat_wal_receiver')).length === 0, {
      what: 'the standby notices that its primary is gone',
    })
    const orphaned = await replay(standby.url(), '--check-only')
    expect([orphaned.exitCode, orphaned.stderr]).toEqual([3, expect.stringContaining('standby, without its primary')])
  } finally {
    await replication.stop()
    await rm(folder, { recursive: true })
  }
})
