import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { onlyRow } from '../../../src/database/rows.js'
import { checkFailed } from '../check-failed.js'
import { copyIn, copyOut } from '../copy.js'
import { bulkFigures } from '../meter.js'
import { createRandom, randomBelow, randomText } from '../random.js'
import { replayInChild, type ChildReplay } from '../replay-child.js'
import type { Bench, Scenario } from '../scenario.js'
import { withMigratedDatabase, type BenchDatabase } from '../server.js'

const MESSAGES_PER_GUEST = 15
const OPERATOR = 'ana'
const MEGABYTE = 1_048_576

export const bulk: Scenario = {
  name: 'bulk',
  summary: 'a transcript of known guests: COPY of the same rows, chatkeep replay --through store (its sending)',
  run: async (bench) => {
    const folder = await mkdtemp(join(tmpdir(), 'chatkeep-bench-'))
    try {
      await compare(bench, join(folder, 'transcript.ndjson'), join(folder, 'rows.copy'))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

const compare = async (bench: Bench, transcript: string, rows: string): Promise<void> => {
  const { options, progress, signal } = bench
  const guests = Math.ceil(options.bulk / MESSAGES_PER_GUEST)
  await pipeline(Readable.from(transcriptLines(options.bulk, guests)), createWriteStream(transcript), { signal })
  progress.line(`bulk: replaying ${options.bulk.toLocaleString('en-US')} messages`)
  const { replayed, columns } = await withMigratedDatabase(bench, 'bulk_replay', async (database) => {
    await createContacts(database, guests)
    const result = await replayInChild(bench.process, transcript, database.url)
    await checkStored(database, 'chatkeep replay', options.bulk)
    // The baseline copies what the replay wrote, in the same order, so that both write the same rows.
    const written = await columnsOf(database)
    const select = `SELECT ${written} FROM "ChatMessage" ORDER BY "id"`
    await copyOut(database.client, select, createWriteStream(rows), signal)
    return { replayed: result, columns: written }
  })
  progress.line('bulk: copying the same rows')
  const meter = bench.createMeter()
  const copyMs = await withMigratedDatabase(bench, 'bulk_copy', async (database) => {
    await createContacts(database, guests)
    const startedAt = performance.now()
    await meter.round(() =>
      copyIn(database.client, `"ChatMessage" (${columns})`, createReadStream(rows, { highWaterMark: 65_536 }), signal),
    )
    const ms = performance.now() - startedAt
    await checkStored(database, 'COPY', options.bulk)
    return ms
  })
  const { peakRssMb, loopDelayP99Ms } = meter.figures()
  report(bench, copyMs, { peakRssMb, loopDelayP99Ms }, replayed)
}

/** One guest a conversation, the two sides in turn, as `chatkeep replay --help` describes it. */
function* transcriptLines(messages: number, guests: number): Generator<string> {
  const random = createRandom(3)
  const begin = Date.UTC(2026, 0)
  for (let index = 0; index < messages; index += 1) {
    const guest = randomBelow(random, guests) + 1
    const fromClient = random() < 0.5
    const line = {
      at: new Date(begin + 100 * index).toISOString(),
      conversation: `conversation ${guest}`,
      from: fromClient ? 'client' : 'operator',
      username: `guest ${guest}`,
      phone: null,
      operator: fromClient ? null : OPERATOR,
      text: randomText(random),
    }
    yield `${JSON.stringify(line)}\n`
  }
}

const createContacts = async ({ client }: BenchDatabase, guests: number): Promise<void> => {
  await client.query(
    `INSERT INTO "Client" ("username", "updatedAt")
     SELECT 'guest ' || n, now() AT TIME ZONE 'UTC' FROM generate_series(1, $1) AS n`,
    [guests],
  )
  await client.query(
    `INSERT INTO "User" ("name", "username", "passwordHash", "updatedAt") VALUES ($1, $1, '-', now() AT TIME ZONE 'UTC')`,
    [OPERATOR],
  )
  await client.query('VACUUM ANALYZE')
  // Neither side begins with the other's dirty pages.
  await client.query('CHECKPOINT')
}

const SELECT_COLUMNS = `
  SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) AS "columns"
  FROM information_schema.columns
  WHERE table_schema = 'public' AND table_name = 'ChatMessage' AND column_name <> 'id' AND is_generated = 'NEVER'`

const columnsOf = async ({ client }: BenchDatabase): Promise<string> =>
  onlyRow(await client.query<{ columns: string }>(SELECT_COLUMNS)).columns

const checkStored = async ({ client }: BenchDatabase, way: string, expected: number): Promise<void> => {
  const { stored } = onlyRow(
    await client.query<{ stored: number }>(
      `SELECT count(*)::integer AS "stored" FROM "ChatMessage" WHERE "clientId" IS NOT NULL`,
    ),
  )
  if (stored !== expected) throw checkFailed(`${way}: ${expected} messages were sent, ${stored} are in the database`)
}

const report = (
  { options, report: add }: Bench,
  copyMs: number,
  ofCopy: { readonly peakRssMb: number | null; readonly loopDelayP99Ms: number | null },
  { sendMs, readBackMs, peakRssBytes, loopDelayP99Ms }: ChildReplay,
): void => {
  const copied = bulkFigures(options.bulk, copyMs, ofCopy)
  const sent = bulkFigures(options.bulk, sendMs, { peakRssMb: peakRssBytes / MEGABYTE, loopDelayP99Ms })
  const readBack = bulkFigures(options.bulk, readBackMs)
  add({ scenario: 'bulk', case: 'COPY', ratio: 1, ...copied })
  add({ scenario: 'bulk', case: 'replay, sending', ratio: sent.perSecond / copied.perSecond, ...sent })
  add({ scenario: 'bulk', case: 'replay, reading back', ratio: null, ...readBack })
}
