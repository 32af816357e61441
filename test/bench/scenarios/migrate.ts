import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { duration } from '../../../src/terminal/render.js'
import { checkFailed } from '../check-failed.js'
import {
  countMessages,
  fingerprintOf,
  guestFingerprintOf,
  loadOldChat,
  oldChat,
  writeGuestMessages,
  type Fingerprint,
  type OldChat,
} from '../old-chat.js'
import type { Bench, Row, Scenario } from '../scenario.js'
import { chatkeepMigrate, chatkeepRollback, plainRollback, plainUpdate, type SchemaChange } from '../schema-change.js'
import { makeDatabase, withCopy, type BenchDatabase } from '../server.js'
import { figuresOf } from '../traffic-figures.js'
import { withTraffic } from '../traffic.js'

const TEMPLATE = 'migrate_old'

export const migrate: Scenario = {
  name: 'migrate',
  summary: "longest stall of a writer and of a reader during the guide's plain SQL and chatkeep, there and back",
  onlyNamed: true,
  run: async (bench) => {
    const chat = oldChat(bench.options.rows)
    const startedAt = performance.now()
    const loaded = await makeDatabase(bench, TEMPLATE, async ({ client }) => {
      await loadOldChat(client, chat)
      return fingerprintOf(client, chat)
    })
    bench.progress.line(
      `migrate: ${chat.messages.toLocaleString('en-US')} messages loaded in ${duration(performance.now() - startedAt)}`,
    )
    const rows: Row[] = []
    try {
      for (const company of ['free', 'behind a reader'] as const) {
        await measurePlainSql({ bench, chat, loaded, company, add: (row) => rows.push(row) })
        await measureChatkeep({ bench, chat, loaded, company, add: (row) => rows.push(row) })
      }
    } finally {
      for (const row of withRatios(rows)) bench.report(row)
    }
  },
}

/** `free`: nobody but the writer and the reader. Else a transaction that has read the table stays open while the change begins. */
type Company = 'free' | 'behind a reader'

interface Measurement {
  readonly bench: Bench
  readonly chat: OldChat
  /** Of the messages of before. */
  readonly loaded: Fingerprint
  readonly company: Company
  readonly add: (row: Row) => void
}

/** What this machine does to the writer and the reader by itself. */
const noChange =
  ({ options }: Bench): SchemaChange =>
  () =>
    delay(1_000 * options.readerSeconds).then(() => [])

const measurePlainSql = (measurement: Measurement): Promise<void> => {
  const { bench, chat, company } = measurement
  return withCopy(bench, TEMPLATE, 'migrate_plain', async (database) => {
    const written: number[] = []
    if (company === 'free') written.push(...(await measure(measurement, database, 'no change', noChange(bench))))
    written.push(...(await measure(measurement, database, 'update, plain SQL', plainUpdate)))
    await writeGuestMessages(database.client, chat, 'with client')
    written.push(...(await measure(measurement, database, 'rollback, plain SQL', plainRollback)))
    await checkNothingLost(measurement, database, written)
  })
}

const measureChatkeep = (measurement: Measurement): Promise<void> => {
  const { bench, chat } = measurement
  const [there, back] = [chatkeepMigrate(bench.process), chatkeepRollback(bench.process, 'migrate_chatkeep')]
  return withCopy(bench, TEMPLATE, 'migrate_chatkeep', async (database) => {
    const written = [...(await measure(measurement, database, 'update, chatkeep', there))]
    await writeGuestMessages(database.client, chat, 'some without client')
    const guests = await guestFingerprintOf(database.client)
    written.push(...(await measure(measurement, database, 'rollback, chatkeep', back)))
    await checkNothingLost(measurement, database, written)
    written.push(...(await measure(measurement, database, 'update again, chatkeep', there)))
    await checkNothingLost(measurement, database, written)
    const restored = await guestFingerprintOf(database.client)
    if (!isSame(guests, restored))
      throw checkFailed(`guests' messages: ${describe(guests)}, then ${describe(restored)}`)
  })
}

/** @returns the ids of the messages that were written meanwhile */
const measure = async (
  { bench, chat, company, add }: Measurement,
  database: BenchDatabase,
  what: string,
  change: SchemaChange,
): Promise<readonly number[]> => {
  const title = `${what}, ${company}`
  bench.progress.line(`migrate: ${title}`)
  // What was loaded is not to be written by a checkpoint that the change would be blamed for.
  await database.client.query('CHECKPOINT')
  const { result, traffic } = await withTraffic(database.url, chat.clients, async () => {
    const reader = company === 'free' ? undefined : await openReader(database.url, 1_000 * bench.options.readerSeconds)
    const startedAt = performance.now()
    const steps = await change(database)
    const endedAt = performance.now()
    await reader?.ended
    return { steps, startedAt, endedAt }
  })
  bench.signal.throwIfAborted()
  add({ scenario: 'migrate', case: `${title}: writer`, ...figuresOf(traffic.writer, result) })
  add({ scenario: 'migrate', case: `${title}: reader`, ...figuresOf(traffic.reader, result) })
  return traffic.ids
}

interface LongReader {
  readonly ended: Promise<void>
}

/** Opens a transaction that has read the table, and ends it by and by. */
const openReader = async (url: string, openMs: number): Promise<LongReader> => {
  const client = new pg.Client({ connectionString: url, application_name: 'long reader' })
  await client.connect()
  await client.query('BEGIN')
  await client.query('SELECT "id" FROM "ChatMessage" LIMIT 1')
  return { ended: delay(openMs).then(() => client.end()) }
}

const checkNothingLost = async (
  { chat, loaded }: Measurement,
  { client }: BenchDatabase,
  written: readonly number[],
): Promise<void> => {
  const found = await fingerprintOf(client, chat)
  if (!isSame(loaded, found)) throw checkFailed(`messages of before: ${describe(loaded)}, then ${describe(found)}`)
  const kept = await countMessages(client, written)
  if (kept !== written.length) throw checkFailed(`${written.length} messages were written meanwhile, ${kept} are there`)
}

const isSame = (one: Fingerprint, other: Fingerprint): boolean => one.rows === other.rows && one.md5 === other.md5

const describe = ({ rows, md5 }: Fingerprint): string => `${rows} rows with checksum ${md5}`

/** Each change that the plain SQL makes, too, to that: the longest call. */
const withRatios = (rows: readonly Row[]): readonly Row[] =>
  rows.map((row) => {
    const title = row.case.replace(', chatkeep,', ', plain SQL,')
    const plain = rows.find((other) => other.case === title && title.includes(', plain SQL,'))
    const [ours, theirs] = [row.longestMs, plain?.longestMs]
    return ours === undefined || theirs === undefined ? row : { ...row, ratio: ours / theirs }
  })
