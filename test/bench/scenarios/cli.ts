import { checkFailed } from '../check-failed.js'
import type { Bench, Row, Scenario } from '../scenario.js'
import { withMigratedDatabase } from '../server.js'
import { buildChatkeep } from '../start-up/build.js'
import { chatkeepStarts, BARE } from '../start-up/chatkeep.js'
import { withPeers } from '../start-up/peers.js'
import { runStart, type Start, type Took } from '../start-up/start.js'

export const cli: Scenario = {
  name: 'cli',
  summary: 'start to end of a command on a ready database: bare node, chatkeep, and three other tools that migrate',
  onlyNamed: true,
  run: async (bench) => {
    const { program, reporter } = await buildChatkeep(bench)
    await withMigratedDatabase(bench, 'start_up', (database) =>
      withPeers(bench, reporter, async (peers) => {
        const starts = [BARE, ...chatkeepStarts(program, database.url), ...peers]
        for (const row of rowsOf(await measureInTurn(bench, reporter, starts))) bench.report(row)
      }),
    )
  },
}

interface Measured {
  readonly start: Start
  /** Ascending. */
  readonly ms: readonly number[]
  readonly processorMs: readonly number[]
}

/** One start of each after the other, again and again, so that other work on the machine meets them all. */
const measureInTurn = async (
  bench: Bench,
  reporter: string,
  starts: readonly Start[],
): Promise<readonly Measured[]> => {
  // The first start of each reads files that later ones find in memory.
  for (const start of starts) await runStart(bench, reporter, start)
  const all = new Map<Start, Took[]>(starts.map((start) => [start, []]))
  for (let round = 1; round <= bench.options.starts; round += 1) {
    bench.progress.status(`cli: round ${round} of ${bench.options.starts}`)
    for (const start of starts) all.get(start)?.push(await runStart(bench, reporter, start))
  }
  return Array.from(all, ([start, took]) => ({
    start,
    ms: ascending(took.map(({ ms }) => ms)),
    processorMs: ascending(took.map(({ processorMs }) => processorMs)),
  }))
}

/** The least time is that of the program; what is above it is other work on the machine. */
const rowsOf = (measured: readonly Measured[]): readonly Row[] => {
  const bare = measured.find(({ start }) => start === BARE)
  if (bare === undefined) throw checkFailed('bare node was not measured')
  return measured.map(({ start, ms, processorMs }) => {
    const seconds = ms.reduce((sum, one) => sum + one, 0) / 1_000
    const [wall, processor] = [describe(ms, bare.ms), describe(processorMs, bare.processorMs)]
    return {
      ...{ scenario: 'cli', case: start.title, calls: ms.length, seconds, perSecond: ms.length / seconds },
      ...{ roundsPerSecond: [], p50Ms: medianOf(ms), p99Ms: null, peakRssMb: null, loopDelayP99Ms: null },
      ratio: leastOf(ms) / leastOf(bare.ms),
      note: `${wall}; processor: ${processor}`,
    }
  })
}

/** Such as `least 210 ms (+150), median 230 ms (+160)`: in brackets, what it takes more than bare node. */
const describe = (ms: readonly number[], bare: readonly number[]): string => {
  const figure = (of: (all: readonly number[]) => number): string =>
    `${of(ms).toFixed(0)} ms (+${(of(ms) - of(bare)).toFixed(0)})`
  return `least ${figure(leastOf)}, median ${figure(medianOf)}`
}

const ascending = (all: readonly number[]): readonly number[] => all.toSorted((a, b) => a - b)

const leastOf = ([least = Number.NaN]: readonly number[]): number => least

const medianOf = (ms: readonly number[]): number => ms[Math.floor(ms.length / 2)] ?? Number.NaN
