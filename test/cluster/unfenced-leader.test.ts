import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runChatkeep } from '../support/chatkeep.js'
import { until } from '../support/until.js'
import { startChatServerProcess } from './chat-server.js'
import { startGuests } from './guests.js'
import { reasonNotToRun, startPatroniCluster, type PatroniCluster } from './patroni-cluster.js'

/** After so long without a sign of its leader, Patroni promotes the other server. */
const TTL_S = 20

describe.skipIf(reasonNotToRun() !== undefined)('an asynchronous cluster whose proxy keeps old sessions', () => {
  let cluster: PatroniCluster
  beforeEach(async () => {
    cluster = await startPatroniCluster({
      follower: 'replica',
      changes: [
        [' on-marked-down shutdown-sessions', ''],
        ['synchronous_mode: true', 'synchronous_mode: false'],
      ],
    })
    const argv = ['migrate', '--create-tables', '--yes', '--database-url', cluster.url('postgres')]
    const { exitCode, stderr } = await runChatkeep(argv)
    expect(exitCode, stderr).toBe(0)
  })
  afterEach(() => cluster.stop())

  // Connections with the shorter life have left before the other server is promoted.
  test.each([10, 60])('a leader that nobody stops takes nothing over connections older than %i s', async (lifeS) => {
    const label = `life of ${lifeS} s`
    const server = await startChatServerProcess(cluster.url('postgres'), ['--max-connection-life', `${lifeS}s`])
    const guests = startGuests(server.url, label)
    try {
      await until(() => guests.acknowledged().size >= 200, { what: 'guests write' })
      const former = await cluster.leader()
      await former.killPatroni()
      await until(async () => (await cluster.leader()).name !== former.name, { what: 'the other server leads' })
      const promoted = guests.acknowledged().size
      // The behaviour is the time.
      await delay(lifeS * 1_000)
      const early = new Set(guests.acknowledged())
      await until(() => guests.acknowledged().size >= early.size + 200, { what: 'guests write again' })
      await guests.stop()
      const rows = await cluster.query<{ text: string }>('postgres', 'SELECT "text" FROM "ChatMessage"')
      const stored = new Set(rows.map(({ text }) => text))
      const lost = [...guests.acknowledged()].filter((text) => !stored.has(text))
      console.log(
        `unfenced, ${label}: ${guests.acknowledged().size} acknowledged, ${lost.length} lost; ${early.size - promoted} acknowledged in the ${lifeS} s after the promotion; longest gap ${(guests.longestGapMs() / 1_000).toFixed(1)} s`,
      )
      expect(lost.filter((text) => lifeS < TTL_S || !early.has(text))).toEqual([])
    } catch (error) {
      throw new Error(`the log of the chat server ends with\n${server.log().slice(-3_000)}`, { cause: error })
    } finally {
      await server.stop()
    }
  })
})
