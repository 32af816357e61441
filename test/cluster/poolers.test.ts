import { existsSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createChatStore } from '../../src/index.js'
import { runChatkeep } from '../support/chatkeep.js'
import { expectKeptOnce, withLoad } from '../support/load.js'
import { findPgBouncer, withPooler } from '../support/pooler.js'
import { startReplication, type Replication, withChatTables } from '../support/replication.js'
import { manyLines, writeInput } from '../support/transcript.js'
import { until } from '../support/until.js'
import { startChatServerProcess } from './chat-server.js'
import { startGuests } from './guests.js'
import { PGPOOL, withPgpool } from './pgpool.js'

const INSTALLED = '/usr/lib/postgresql/15/bin'
const pgbouncer = findPgBouncer()
const missing = [
  ...(existsSync(INSTALLED) ? [] : ['postgresql-15']),
  ...(existsSync(PGPOOL) ? [] : ['pgpool2']),
  ...(pgbouncer === undefined ? ['pgbouncer'] : []),
]
if (missing.length > 0) console.error(`the tests of poolers are skipped: not installed: ${missing.join(', ')}`)

describe.skipIf(missing.length > 0)('poolers before a primary and a standby', () => {
  let servers: Replication
  beforeAll(async () => {
    servers = await startReplication({
      binDirectory: INSTALLED,
      prepare: withChatTables,
    })
  })
  afterAll(() => servers.stop())

  describe(`PgBouncer ${pgbouncer?.version ?? ''} in transaction mode`, () => {
    const interruptions: Readonly<Record<string, readonly string[]>> = {
      'PAUSE and RESUME': ['PAUSE', 'RESUME'],
      'KILL and RESUME': ['KILL postgres', 'RESUME postgres'],
      RECONNECT: ['RECONNECT'],
    }

    test.each(Object.entries(interruptions))('%s: what was acknowledged is there, once', async (name, commands) => {
      await withPooler(poolerOptions(servers), async ({ url }) => {
        const server = await startChatServerProcess(url)
        const guests = startGuests(server.url, name)
        const admin = new pg.Client({ connectionString: url.replace(/\/postgres\b(?=\?|$)/, '/pgbouncer') })
        admin.on('error', () => undefined)
        try {
          await admin.connect()
          await until(() => guests.acknowledged().size >= 100, { what: 'guests write' })
          for (const command of commands) {
            await admin.query(command)
            const before = guests.acknowledged().size
            // A pause lasts until its end is asked for.
            if (command === commands.at(-1))
              await until(() => guests.acknowledged().size >= before + 100, { what: 'guests write again' })
          }
          await guests.stop()
        } finally {
          await admin.end()
          await server.stop()
        }
        const sql = `SELECT "text" FROM "ChatMessage" WHERE "text" LIKE '${name} %'`
        const rows = (await servers.primary.query<{ text: string }>(sql)).map(({ text }) => text)
        console.log(
          `PgBouncer, ${name}: ${guests.acknowledged().size} acknowledged, longest gap ${(guests.longestGapMs() / 1_000).toFixed(1)} s`,
        )
        expect(rows.toSorted()).toEqual([...guests.acknowledged()].toSorted())
      })
    })
  })

  describe('pgpool-II, which reads from a standby that is late', () => {
    beforeAll(() => servers.standby.query('SELECT pg_wal_replay_pause()'))
    afterAll(() => servers.standby.query('SELECT pg_wal_replay_resume()'))

    test('a message that is sent again is acknowledged as stored', async () => {
      await withPgpool(servers.primary.url(), servers.standby.url(), async (url) => {
        await servers.primary.query('TRUNCATE "ChatMessage"')
        const store = createChatStore({ databaseUrl: url })
        const { acknowledged } = await withLoad(store, { callers: 10, messagesEach: 20 })
        const again = await Promise.all([...acknowledged.values()].map(({ message }) => store.saveChatMessage(message)))
        expect(again.filter(({ duplicate }) => !duplicate)).toEqual([])
        await expectKeptOnce(servers.primary, acknowledged)
        await store.close()
      })
    })

    test('replay --check-only finds what was just replayed, and a standby alone decides nothing', async () => {
      const file = await writeInput(manyLines(300))
      await withPgpool(servers.primary.url(), servers.standby.url(), async (url) => {
        const replay = await runChatkeep(['replay', file, '--database-url', url])
        expect(replay.exitCode, replay.stderr).toBe(0)
        const check = await runChatkeep(['replay', file, '--check-only', '--database-url', url])
        expect(check.exitCode, check.stdout + check.stderr).toBe(0)
      })
      const onStandby = await runChatkeep(['replay', file, '--check-only', '--database-url', servers.standby.url()])
      expect(onStandby.exitCode, onStandby.stdout + onStandby.stderr).toBe(3)
      expect(onStandby.stderr).toContain('standby')
    })
  })
})

const poolerOptions = ({ primary }: Replication) => ({
  path: pgbouncer?.path ?? '',
  database: { name: 'postgres', url: primary.url() },
  settings: ['auth_type = trust', 'admin_users = postgres', 'server_login_retry = 1'],
})
