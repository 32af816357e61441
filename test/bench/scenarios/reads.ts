import { createChatStore } from '../../../src/index.js'
import { runCallers } from '../callers.js'
import { chatShape } from '../chat-data.js'
import { loadChat } from '../load-chat.js'
import type { ReadCase } from '../read-case.js'
import { prepareReadCases } from '../read-cases.js'
import { firstReadCase, loadLives, recentCases } from '../recent-cases.js'
import { floodBusyHour, floodHours, writeUnseenHour } from '../recent-floods.js'
import type { Bench, Row, Scenario } from '../scenario.js'
import { withDatabase } from '../server.js'
import { whileWriting, WRITTEN_PER_SECOND } from '../while-writing.js'

const WARM_UP_CALLS = 20
const ENOUGH_CALLS = 500
/** Of the seconds that were asked for: how long a case warms up at most, goes on at least where its calls are quick, and takes at most. */
const SHARE = { warmUp: 0.2, least: 0.2, most: 2 }

/** A query of the store may take this long before it counts as failed: a slow figure is a figure, too. */
const DEADLINE_MS = 300_000

export const reads: Scenario = {
  name: 'reads',
  summary: 'history, recent chats, mark as read and metrics, one caller; p99 against that at the smallest size',
  run: async (bench) => {
    const rows: Row[] = []
    try {
      for (const messages of bench.options.messages) {
        await measureSize(bench, messages, (row) => rows.push(row))
        await measureLives(bench, messages, (row) => rows.push(row))
      }
    } finally {
      for (const row of withRatios(rows)) bench.report(row)
    }
  },
}

const measureSize = (bench: Bench, messages: number, add: (row: Row) => void): Promise<void> =>
  withDatabase(bench, `reads_${messages}`, async (database) => {
    const shape = chatShape(messages)
    await loadChat(bench, database, shape)
    const store = createChatStore({ databaseUrl: database.url }, { deadlineMs: DEADLINE_MS })
    try {
      const measure = (cases: readonly ReadCase[]) => measureCases(bench, cases, messages, add)
      await measure(await prepareReadCases(database, store, shape, bench.signal))
      const rate = WRITTEN_PER_SECOND.toLocaleString('en-US')
      await whileWriting(database, shape, (written) =>
        measure(
          recentCases(store, ` while ${rate} messages a second are written`).map((readCase) => ({
            ...readCase,
            note: () => `${written().toLocaleString('en-US')} written a second`,
          })),
        ),
      )
      await writeUnseenHour(database, shape)
      await measure([firstReadCase(store, ' after an hour without a reader')])
      await floodHours(database, shape)
      await measure(recentCases(store, ' behind a flood by one client'))
      await floodBusyHour(database, shape)
      await measure(recentCases(store, ' behind a flood in an hour of many chats'))
    } finally {
      await store.close()
    }
  })

const measureLives = (bench: Bench, messages: number, add: (row: Row) => void): Promise<void> =>
  withDatabase(bench, `lives_${messages}`, async (database) => {
    await loadLives(database, messages, bench.signal)
    const store = createChatStore({ databaseUrl: database.url }, { deadlineMs: DEADLINE_MS })
    try {
      await measureCases(bench, recentCases(store, ' side by side'), messages, add)
    } finally {
      await store.close()
    }
  })

const measureCases = async (
  bench: Bench,
  cases: readonly ReadCase[],
  messages: number,
  add: (row: Row) => void,
): Promise<void> => {
  for (const readCase of cases) {
    bench.progress.line(`reads: ${messages.toLocaleString('en-US')} messages: ${readCase.title}`)
    add(await measureCase(bench, readCase, messages))
  }
}

const measureCase = async (bench: Bench, readCase: ReadCase, messages: number): Promise<Row> => {
  const { signal, options } = bench
  const { title, call, note, mostCalls = Infinity } = readCase
  const meter = bench.createMeter()
  const ms = 1_000 * options.seconds
  const warmUpCalls = Math.min(WARM_UP_CALLS, Math.floor(mostCalls / 10))
  const warmUp = { enoughCalls: warmUpCalls, mostCalls: warmUpCalls, leastMs: 0, mostMs: SHARE.warmUp * ms }
  await runCallers(1, untilEnough(signal, warmUp), call)
  const amount = {
    enoughCalls: ENOUGH_CALLS,
    mostCalls: mostCalls - warmUpCalls,
    leastMs: SHARE.least * ms,
    mostMs: SHARE.most * ms,
  }
  await meter.round(() => runCallers(1, untilEnough(signal, amount), () => meter.time(call)))
  signal.throwIfAborted()
  return { scenario: 'reads', case: title, size: messages, ratio: null, ...meter.figures(), note: note?.() }
}

interface Amount {
  readonly enoughCalls: number
  readonly mostCalls: number
  readonly leastMs: number
  readonly mostMs: number
}

/** Says yes until there are enough calls and enough time has passed, or too many or too much. */
const untilEnough = (signal: AbortSignal, { enoughCalls, mostCalls, leastMs, mostMs }: Amount): (() => boolean) => {
  const startedAt = performance.now()
  let begun = 0
  return () => {
    const elapsedMs = performance.now() - startedAt
    begun += 1
    if (signal.aborted || elapsedMs >= mostMs || begun > mostCalls) return false
    return begun <= enoughCalls || elapsedMs < leastMs
  }
}

/** Puts the sizes of a case below each other, and compares each with the smallest. */
const withRatios = (rows: readonly Row[]): readonly Row[] =>
  [...new Set(rows.map((row) => row.case))].flatMap((title) => {
    const sizes = rows.filter((row) => row.case === title)
    const smallest = sizes[0]?.p99Ms ?? null
    return sizes.map((row) => ({
      ...row,
      ratio: row.p99Ms === null || smallest === null ? null : row.p99Ms / smallest,
    }))
  })
