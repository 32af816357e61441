import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runChatkeep, type Run } from '../support/chatkeep.js'
import { startReplication, type Replication, withChatTables } from '../support/replication.js'
import { until } from '../support/until.js'
import { startChatServerProcess } from './chat-server.js'
import { startGuests } from './guests.js'

let servers: Replication
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-cluster-kept-'))
  servers = await startReplication({
    prepare: withChatTables,
  })
})
afterAll(async () => {
  await servers.stop()
  await rm(folder, { recursive: true, force: true })
})

test('what an asynchronous failover lost is found and stored from what the chat server kept', async () => {
  const { primary, standby } = servers
  const hosts = [primary, standby].map((node) => new URL(node.url()).host).join(',')
  const url = new URL(primary.url())
  const list = `postgresql://${url.username}:${url.password}@${hosts}/postgres?sslmode=disable&target_session_attrs=read-write`
  const journal = join(folder, 'messages.journal')
  const server = await startChatServerProcess(list, ['--journal', journal, '--keep-acknowledged', '10m'])
  const guests = startGuests(server.url, 'lag')
  try {
    const writeMore = async (): Promise<void> => {
      const before = guests.acknowledged().size
      await until(() => guests.acknowledged().size >= before + 100, { what: 'guests write' })
    }
    await writeMore()
    await standby.stop('fast')
    await writeMore()
    await primary.stop('kill')
    await standby.start()
    await servers.promote()
    await writeMore()
    await guests.stop()
  } finally {
    await server.stop()
  }
  const rows = async (): Promise<readonly string[]> =>
    (await standby.query<{ text: string }>('SELECT "text" FROM "ChatMessage"')).map(({ text }) => text)
  const replay = (...argv: readonly string[]): Promise<Run> =>
    runChatkeep(['replay', `${journal}.acknowledged`, ...argv, '--database-url', standby.url()])

  const stored = new Set(await rows())
  const lost = [...guests.acknowledged()].filter((text) => !stored.has(text))
  expect(lost.length).toBeGreaterThan(50)
  const found = await replay('--check-only')
  expect(found.exitCode, found.stderr).toBe(1)
  expect(found.stdout).toContain(`FAIL: ${lost.length} of `)
  const saved = await replay()
  expect(saved.exitCode, saved.stdout + saved.stderr).toBe(0)
  const checked = await replay('--check-only')
  expect(checked.exitCode, checked.stdout + checked.stderr).toBe(0)
  expect((await rows()).toSorted()).toEqual([...guests.acknowledged()].toSorted())
  console.log(`failover with lag: ${guests.acknowledged().size} acknowledged, ${lost.length} lost, 0 after the replay`)
})
