import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runChatkeep } from '../support/chatkeep.js'
import { until } from '../support/until.js'
import { startChatServerProcess } from './chat-server.js'
import { startGuests } from './guests.js'
import { reasonNotToRun, startPatroniCluster, type PatroniCluster } from './patroni-cluster.js'

const reason = reasonNotToRun()
if (reason !== undefined) console.error(`the cluster tests are skipped: ${reason}`)

const DATABASE = 'crm'

describe.skipIf(reason !== undefined)('two servers under Patroni', () => {
  let cluster: PatroniCluster
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatkeep-cluster-chat-'))
    cluster = await startPatroniCluster()
    await cluster.query('postgres', `CREATE DATABASE ${DATABASE}`)
    await run('migrate', '--create-tables', '--yes')
  })
  afterAll(async () => {
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const run = async (...argv: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runChatkeep([...argv, '--database-url', cluster.url(DATABASE)])
    expect(exitCode, stderr).toBe(0)
    return stdout
  }

  const events = {
    'a switch-over': () => cluster.switchOver(),
    'a failover': async () => {
      const leader = await cluster.leader()
      await leader.killPatroni()
      await leader.killServer()
      await until(async () => (await cluster.leader()).name !== leader.name, { what: 'the other server leads' })
    },
    'a leader whose Patroni has died': async () => {
      const leader = await cluster.leader()
      await leader.killPatroni()
      await until(async () => (await cluster.leader()).name !== leader.name, { what: 'the other server leads' })
    },
  }
  const ways = {
    'through HAProxy': { url: () => cluster.url(DATABASE), flags: () => [] },
    'through HAProxy, with a journal': {
      url: () => cluster.url(DATABASE),
      flags: () => ['--journal', join(folder, 'messages.journal')],
    },
    'by several hosts': { url: () => cluster.hostsUrl(DATABASE), flags: () => [] },
  }
  type Event = keyof typeof events
  type Way = keyof typeof ways
  const cases = (Object.keys(events) as Event[]).flatMap((event) =>
    (Object.keys(ways) as Way[])
      // Nothing tells a client that a server of the list is no leader any more, as long as it says so itself.
      .filter((way) => event !== 'a leader whose Patroni has died' || way !== 'by several hosts')
      .map((way) => [event, way] as const),
  )

  test.each(cases)('%s, %s: what was acknowledged is there, once', async (event, way) => {
    await cluster.heal()
    const { url, flags } = ways[way]
    const server = await startChatServerProcess(url(), flags())
    const label = `${event} ${way}`
    const guests = startGuests(server.url, label)
    try {
      await until(() => guests.acknowledged().size >= 200, { what: 'guests write' })
      await Promise.race([events[event](), guests.failed])
      const before = guests.acknowledged().size
      await until(() => guests.acknowledged().size >= before + 200, { what: 'guests write again' })
      await guests.stop()
      await untilStored(guests.acknowledged(), label)
    } catch (error) {
      throw new Error(`${label}: the log of the chat server ends with\n${server.log().slice(-2_000)}`, { cause: error })
    } finally {
      await server.stop()
    }
    const { lost, doubled } = await compare(guests.acknowledged(), label)
    console.log(
      `${label}: ${guests.acknowledged().size} acknowledged, ${lost.length} lost, ${doubled} doubled, longest gap ${(guests.longestGapMs() / 1_000).toFixed(1)} s`,
    )
    expect({ lost, doubled }).toEqual({ lost: [], doubled: 0 })
  })

  const CHECKSUM = `
    SELECT count(*)::int AS "messages", md5(string_agg(to_jsonb(m)::text, ',' ORDER BY "id")) AS "md5"
    FROM public."ChatMessage" AS m`

  test.each(['a switch-over', 'a failover'] as const)(
    'rollback and migrate that %s cuts are finished by running them again, and every row is as before',
    async (event) => {
      await cluster.heal()
      await cluster.query(
        DATABASE,
        `INSERT INTO public."ChatMessage" ("guestUsername", "idempotencyKey", "senderType", "messageType", "text")
         SELECT 'guest ' || n % 500, gen_random_uuid()::text, 'CLIENT', 'TEXT', 'number ' || n FROM generate_series(1, 50000) AS n
         ON CONFLICT DO NOTHING`,
      )
      await run('reconcile')
      const before = await cluster.query(DATABASE, CHECKSUM)
      for (const argv of [
        ['rollback', '--confirm', DATABASE],
        ['migrate', '--yes'],
      ] as const) {
        await cluster.heal()
        const [cut] = await Promise.all([attempt(...argv), delay(400).then(events[event])])
        await cluster.query(DATABASE, 'SELECT')
        if (cut.exitCode !== 0) await run(...argv)
        console.log(`${argv[0]} during ${event}: exit code ${cut.exitCode}: ${cut.lastWords}`)
      }
      expect(await cluster.query(DATABASE, CHECKSUM)).toEqual(before)
      await run('verify')
    },
  )

  const attempt = async (...argv: readonly string[]) => {
    const { exitCode, stderr } = await runChatkeep([...argv, '--database-url', cluster.url(DATABASE)])
    return { exitCode, lastWords: /^(error|FAIL): .*/m.exec(stderr)?.[0] ?? 'done' }
  }

  const compare = async (acknowledged: ReadonlySet<string>, label: string) => {
    const rows = await cluster.query<{ text: string }>(
      DATABASE,
      `SELECT "text" FROM public."ChatMessage" WHERE "text" LIKE '${label} %'`,
    )
    const stored = new Set(rows.map(({ text }) => text))
    return { lost: [...acknowledged].filter((text) => !stored.has(text)), doubled: rows.length - stored.size }
  }

  // With a journal the last messages may still be on their way.
  const untilStored = async (acknowledged: ReadonlySet<string>, label: string): Promise<void> => {
    const deadline = Date.now() + 30_000
    while ((await compare(acknowledged, label)).lost.length > 0 && Date.now() < deadline) await delay(200)
  }
})
