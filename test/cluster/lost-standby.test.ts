import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createChatStore, OperatorError, type ChatStore } from '../../src/index.js'
import { startReplication, type Replication, withChatTables } from '../support/replication.js'
import { until } from '../support/until.js'
import { startChatServerProcess } from './chat-server.js'
import { startGuests } from './guests.js'

/** Who writes, and what became of it. */
interface Writers {
  acknowledged(): ReadonlySet<string>
  /** Resolves when the last message of each is acknowledged. */
  stop(): Promise<unknown>
  close(): Promise<void>
}

const WRITERS = 10
const WAITING = `SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
const BARRIERS = `${WAITING} AND query LIKE '%pg_logical_emit_message%'`

const INSTALLED = '/usr/lib/postgresql/15/bin'
const VERSIONS: readonly (readonly [string, string | undefined])[] = [
  ['the embedded PostgreSQL', undefined],
  ...(existsSync(INSTALLED) ? [['PostgreSQL 15', INSTALLED] as const] : []),
]

describe.each(VERSIONS)('%s, whose synchronous standby is lost', (version, binDirectory) => {
  let servers: Replication
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatkeep-cluster-journal-'))
    servers = await startReplication({
      binDirectory,
      settings: { track_activity_query_size: '16kB' },
      prepare: withChatTables,
    })
    await servers.waitForStandby()
  })
  afterAll(async () => {
    await servers.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const untilOnPrimary = (sql: string, what: string): Promise<boolean> =>
    until(async () => (await servers.primary.query(sql)).length > 0, { what })
  const isJournalled = (journal: string, text: string): boolean => journal.includes(`"${text}"`)

  const restart = (mode: 'fast' | 'immediate' | 'kill') => async (): Promise<void> => {
    await servers.primary.stop(mode)
    await servers.primary.start()
  }
  /** Each is done again as soon as something waits again. */
  const ways = {
    pg_cancel_backend: {
      rounds: 10,
      end: () => servers.primary.query(`SELECT pg_cancel_backend(pid) FROM (${WAITING}) AS w`),
    },
    pg_terminate_backend: {
      rounds: 10,
      end: () => servers.primary.query(`SELECT pg_terminate_backend(pid) FROM (${WAITING}) AS w`),
    },
    'a fast restart': { rounds: 2, end: restart('fast') },
    'an immediate restart': { rounds: 2, end: restart('immediate') },
    'a crash': { rounds: 2, end: restart('kill') },
  }
  const journal = (): string => join(folder, 'messages.journal')
  const serve = async (label: string, ...flags: readonly string[]): Promise<Writers> => {
    const server = await startChatServerProcess(servers.primary.url(), flags)
    const guests = startGuests(server.url, label, WRITERS)
    return { acknowledged: () => guests.acknowledged(), stop: () => guests.stop(), close: () => server.stop() }
  }
  const writers = {
    'the store': (label: string): Promise<Writers> => Promise.resolve(startCallers(servers.primary.url(), label)),
    serve: (label: string) => serve(label),
    'serve with a journal': (label: string) => serve(label, '--journal', journal()),
  }
  const cases = (Object.keys(ways) as (keyof typeof ways)[]).flatMap((way) =>
    (Object.keys(writers) as (keyof typeof writers)[]).map((kind) => [way, kind] as const),
  )

  test.each(cases)('%s, %s: the standby has what was acknowledged', async (way, kind) => {
    const label = `${way} ${kind}`
    const rows = async (): Promise<readonly string[]> => {
      const sql = `SELECT "text" FROM "ChatMessage" WHERE "text" LIKE '${label} %'`
      return (await servers.standby.query<{ text: string }>(sql)).map(({ text }) => text)
    }
    const writing = await writers[kind](label)
    try {
      await until(() => writing.acknowledged().size >= 5 * WRITERS, { what: 'messages are acknowledged' })
      await servers.standby.stop('fast')
      await untilOnPrimary(WAITING, 'a commit waits for the standby')
      const before = writing.acknowledged().size
      if (kind === 'serve with a journal') {
        await until(() => writing.acknowledged().size >= before + WRITERS, { what: 'the journal takes messages' })
        await untilOnPrimary(WAITING, 'a commit waits for the standby')
      }
      const { rounds, end } = ways[way]
      for (let round = 0; round < rounds; round += 1) {
        await untilOnPrimary(WAITING, 'something waits for the standby')
        await end()
      }
      await untilOnPrimary(BARRIERS, 'a barrier waits for the standby')
      // The primary is lost, too, and this is what the standby would be promoted with.
      await servers.primary.stop('kill')
      const acknowledged = [...writing.acknowledged()]
      const kept = existsSync(journal()) ? await readFile(journal(), 'utf8') : ''
      await servers.standby.start()
      const onStandby = new Set(await rows())
      const missing = acknowledged.filter((text) => !onStandby.has(text) && !isJournalled(kept, text))
      console.log(
        `${version}, ${way}, ${kind}: ${acknowledged.length - before} acknowledged without the standby, ${missing.length} missing`,
      )
      expect(missing).toEqual([])
      await servers.primary.start()
      await untilOnPrimary(`SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`, 'the standby is back')
      await writing.stop()
      const all = [...writing.acknowledged()]
      await until(async () => expect((await rows()).toSorted()).toEqual(all.toSorted()), {
        what: 'the standby has every message once',
      })
    } finally {
      await writing.close()
    }
  })
})

const startCallers = (databaseUrl: string, label: string): Writers => {
  const acknowledged = new Set<string>()
  const stopping = new AbortController()
  const stores = Array.from({ length: 2 }, () => createChatStore({ databaseUrl }, { deadlineMs: 3_000 }))
  const write = async (caller: number): Promise<void> => {
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      await saveAtLast(stores, `${label} ${caller} ${n}`, `${label} ${caller}`)
      acknowledged.add(`${label} ${caller} ${n}`)
    }
  }
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, caller) => write(caller)))
  // Whoever waits for it learns of it.
  writing.catch(() => undefined)
  return {
    acknowledged: () => acknowledged,
    stop: () => {
      stopping.abort()
      return writing
    },
    close: async () => {
      stopping.abort()
      await Promise.all(stores.map((store) => store.close()))
    },
  }
}

/** Each attempt is another store's, as after a restart of the application. */
const saveAtLast = async (stores: readonly ChatStore[], text: string, guest: string): Promise<void> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await stores[attempt % stores.length]?.saveChatMessage({
        ...{ guestUsername: guest, clientSocketId: guest, senderType: 'CLIENT', messageType: 'TEXT' },
        ...{ text, idempotencyKey: text },
      })
      return
    } catch (error) {
      if (!(error instanceof OperatorError && error.retryable)) throw error
    }
  }
}
