import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { createChatStore, type ChatStore } from '../../../src/index.js'
import { findThenInsert, insertMessage, type GuestMessage } from '../application-sql.js'
import { forMs, runCallers } from '../callers.js'
import { checkFailed } from '../check-failed.js'
import type { Meter } from '../meter.js'
import { createRandom, pick, randomText, type Random } from '../random.js'
import type { Bench, Scenario } from '../scenario.js'
import { withMigratedDatabase, withPool, type BenchDatabase } from '../server.js'

const CALLERS = [1, 8, 32, 128]
const GUESTS = 10_000

/** Rounds are this short, and this many, so that a disturbance of the machine hits all ways alike. */
const LONGEST_ROUND_MS = 1_000
const FEWEST_ROUNDS = 5
/** Fewer rounds are better than rounds in which every caller has but one call. */
const SHORTEST_ROUND_MS = 50

export const save: Scenario = {
  name: 'save',
  summary: 'messages of known guests, 1 to 128 callers: one-row INSERT, find-then-insert, saveChatMessage',
  run: (bench) =>
    withMigratedDatabase(bench, 'save', async (database) => {
      const guests = await createGuests(database)
      await withPool(database, async (pool) => {
        const store = createChatStore({ databaseUrl: database.url })
        try {
          const ways = waysToSave(pool, store)
          for (const callers of CALLERS) await compare(bench, database, ways, guests, callers)
        } finally {
          await store.close()
        }
      })
    }),
}

interface Guest {
  readonly id: number
  readonly username: string
}

/** One way to keep a message; resolves when it is acknowledged. */
interface Way {
  readonly name: string
  readonly title: string
  readonly save: (message: GuestMessage, guest: Guest) => Promise<unknown>
}

const createGuests = async ({ client }: BenchDatabase): Promise<readonly Guest[]> => {
  const { rows } = await client.query<Guest>(
    `INSERT INTO "Client" ("username", "updatedAt")
     SELECT 'guest ' || n, now() AT TIME ZONE 'UTC' FROM generate_series(1, $1) AS n
     RETURNING "id", "username"`,
    [GUESTS],
  )
  await client.query('VACUUM ANALYZE')
  return rows
}

const waysToSave = (pool: Pool, store: ChatStore): readonly Way[] => [
  { name: 'insert', title: 'one-row INSERT', save: (message, guest) => insertMessage(pool, guest.id, message) },
  { name: 'find', title: 'find, then INSERT', save: (message) => findThenInsert(pool, message) },
  { name: 'store', title: 'saveChatMessage', save: (message) => store.saveChatMessage(message) },
]

interface Run extends Way {
  readonly meter: Meter
  /** Names the messages of this run in the database. */
  readonly tag: string
  readonly random: Random
  /** Those of the warm-up included. */
  acknowledged: number
}

const compare = async (
  bench: Bench,
  database: BenchDatabase,
  ways: readonly Way[],
  guests: readonly Guest[],
  callers: number,
): Promise<void> => {
  const { options, signal, progress } = bench
  const ms = 1_000 * options.seconds
  const rounds = Math.max(Math.min(FEWEST_ROUNDS, Math.ceil(ms / SHORTEST_ROUND_MS)), Math.ceil(ms / LONGEST_ROUND_MS))
  const roundMs = ms / rounds
  const runs: Run[] = ways.map((way) => ({
    ...way,
    meter: bench.createMeter(),
    tag: `${way.name}-${callers}`,
    // Every way has the same sequence of guests and texts.
    random: createRandom(callers),
    acknowledged: 0,
  }))

  for (const run of runs) await runCallers(callers, forMs(roundMs, signal), () => saveOne(run, guests))
  for (let round = 1; round <= rounds; round += 1) {
    progress.status(`save: ${callers} callers, round ${round} of ${rounds}`)
    for (const run of runs) {
      await run.meter.round(() =>
        runCallers(callers, forMs(roundMs, signal), () => run.meter.time(() => saveOne(run, guests))),
      )
      signal.throwIfAborted()
    }
  }
  await checkStored(database, runs)
  report(bench, runs, callers)
}

const saveOne = async (run: Run, guests: readonly Guest[]): Promise<void> => {
  const guest = pick(run.random, guests)
  const message: GuestMessage = {
    guestUsername: guest.username,
    senderType: 'CLIENT',
    messageType: 'TEXT',
    text: randomText(run.random),
    clientSocketId: `socket of ${guest.username}`,
    sessionId: `${run.tag}/${guest.username}`,
    idempotencyKey: randomUUID(),
  }
  await run.save(message, guest)
  run.acknowledged += 1
}

const COUNT_BY_TAG = `
  SELECT split_part("sessionId", '/', 1) AS "tag", count(*)::integer AS "stored"
  FROM "ChatMessage"
  WHERE "clientId" IS NOT NULL
  GROUP BY 1`

const checkStored = async ({ client }: BenchDatabase, runs: readonly Run[]): Promise<void> => {
  const { rows } = await client.query<{ tag: string; stored: number }>(COUNT_BY_TAG)
  for (const { tag, title, acknowledged } of runs) {
    const stored = rows.find((row) => row.tag === tag)?.stored ?? 0
    if (stored === acknowledged) continue
    throw checkFailed(`${title} (${tag}): ${acknowledged} messages were acknowledged, ${stored} are in the database`)
  }
}

const report = (bench: Bench, runs: readonly Run[], callers: number): void => {
  const baseline = runs[0]?.meter.figures().perSecond ?? NaN
  for (const { title, meter } of runs) {
    const figures = meter.figures()
    bench.report({
      scenario: 'save',
      case: `${title}, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
      ratio: figures.perSecond / baseline,
      ...figures,
    })
  }
}
