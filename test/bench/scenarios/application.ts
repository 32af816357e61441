import pg from 'pg'
import { onlyRow } from '../../../src/database/rows.js'
import { readCpuMicros } from '../backend-cpu.js'
import { forMs, runCallers } from '../callers.js'
import type { Meter } from '../meter.js'
import { loadOldChat, type OldChat } from '../old-chat.js'
import { createRandom, itemAt, randomBelow, type Random } from '../random.js'
import type { Bench, Scenario } from '../scenario.js'
import { makeDatabase, migrateDatabase, withCopy, type BenchDatabase } from '../server.js'

const TEMPLATE = 'application_old'
const CHAT: OldChat = { messages: 100_000, clients: 20_000, operators: 20, guestMessages: 0 }
/** Each as long as the other, in turn: what else the machine does strikes both sides alike. */
const ROUNDS = 10

export const application: Scenario = {
  name: 'application',
  summary: "another program's one-row INSERTs before and after the update: the server's processor time, the rate",
  run: async (bench) => {
    await makeDatabase(bench, TEMPLATE, ({ client }) => loadOldChat(client, CHAT))
    await withCopy(bench, TEMPLATE, 'application_before', (before) =>
      withCopy(bench, TEMPLATE, 'application_after', async (after) => {
        await migrateDatabase(after, bench.signal)
        for (const each of CASES) await measureCase(bench, each, before, after)
      }),
    )
  },
}

interface Case {
  readonly title: string
  readonly writers: number
  readonly chooseClient: (random: Random) => number
}

const anyClient = (random: Random): number => 1 + randomBelow(random, CHAT.clients)

const CASES: readonly Case[] = [
  { title: '1 writer, random over 20,000 clients', writers: 1, chooseClient: anyClient },
  { title: '1 writer, one lively chat', writers: 1, chooseClient: () => 7 },
  { title: '16 writers, random over 20,000 clients', writers: 16, chooseClient: anyClient },
]

/** The writers of one database, and what their inserts cost. */
interface Side {
  readonly title: string
  readonly insert: () => Promise<unknown>
  readonly cpuMicros: () => Promise<number | null>
  readonly meter: Meter
  readonly end: () => Promise<void>
}

const measureCase = async (
  bench: Bench,
  { title, ...rest }: Case,
  before: BenchDatabase,
  after: BenchDatabase,
): Promise<void> => {
  const sides: Side[] = []
  try {
    sides.push(await openSide(bench, { title: `${title}, before the update`, ...rest }, before))
    sides.push(await openSide(bench, { title: `${title}, after it`, ...rest }, after))
    const micros: (number | null)[] = sides.map(() => 0)
    const mayBegin = () => forMs((1_000 * bench.options.seconds) / ROUNDS, bench.signal)
    for (const { insert } of sides) await runCallers(rest.writers, mayBegin(), insert)
    for (let round = 1; round <= ROUNDS; round += 1) {
      bench.progress.status(`application: ${title}: round ${round} of ${ROUNDS}`)
      for (const [index, { insert, cpuMicros, meter }] of sides.entries()) {
        const begun = await cpuMicros()
        await meter.round(() => runCallers(rest.writers, mayBegin(), () => meter.time(insert)))
        bench.signal.throwIfAborted()
        micros[index] = sumOf(micros[index] ?? null, begun, await cpuMicros())
      }
    }
    report(bench, sides, micros, rest.writers)
  } finally {
    for (const { end } of sides) await end()
  }
}

const sumOf = (total: number | null, begun: number | null, ended: number | null): number | null =>
  total === null || begun === null || ended === null ? null : total + ended - begun

const INSERT = `
  INSERT INTO "ChatMessage" ("clientId", "clientSocketId", "senderType", "messageType", "text", "sessionId")
  VALUES ($1, $2, 'CLIENT', 'TEXT', $3, $4)`

const openSide = async (
  bench: Bench,
  { title, writers, chooseClient }: Case,
  database: BenchDatabase,
): Promise<Side> => {
  const random = createRandom(12)
  const sessions = Array.from({ length: writers }, () => new pg.Client({ connectionString: database.url }))
  for (const session of sessions) await session.connect()
  const pids = await Promise.all(
    sessions.map(
      async (session) => onlyRow(await session.query<{ pid: number }>('SELECT pg_backend_pid() AS "pid"')).pid,
    ),
  )
  // The first writes of a checkpoint cost more than those after it.
  await database.client.query('CHECKPOINT')
  const idle = [...sessions]
  return {
    title,
    insert: async () => {
      const session = itemAt(idle, idle.length - 1)
      idle.pop()
      const clientId = chooseClient(random)
      const values = [clientId, `socket ${clientId}`, 'a message of a usual length for a chat', `session ${clientId}`]
      await session.query({ name: 'insert', text: INSERT, values })
      idle.push(session)
    },
    cpuMicros: () => readCpuMicros(pids),
    meter: bench.createMeter(),
    end: async () => {
      for (const session of sessions) await session.end()
    },
  }
}

/** One writer mostly waits for the disk, so its processor time counts; of many, the rate. */
const report = (bench: Bench, sides: readonly Side[], micros: readonly (number | null)[], writers: number): void => {
  const costs = sides.map(({ meter }, index) => {
    const { calls, perSecond } = meter.figures()
    const total = micros[index] ?? null
    return { perSecond, cpu: total === null ? null : total / calls }
  })
  const baseline = itemAt(costs, 0)
  for (const [index, { title, meter }] of sides.entries()) {
    const { cpu, perSecond } = itemAt(costs, index)
    const ofCpu = cpu === null || baseline.cpu === null ? null : cpu / baseline.cpu
    bench.report({
      scenario: 'application',
      case: title,
      ratio: writers === 1 ? (ofCpu ?? baseline.perSecond / perSecond) : perSecond / baseline.perSecond,
      ...meter.figures(),
      note: cpu === null ? undefined : `${cpu.toFixed(0)} µs of the server's processor a call`,
    })
  }
}
