import type { Row } from './scenario.js'
import type { Step } from './schema-change.js'
import type { Call } from './traffic.js'

/** All of a row that does not name it. */
export type CallFigures = Omit<Row, 'scenario' | 'case'>

const STALL_MS = 100
const NOTE_LENGTH = 60

/** A change of the schema, by the clock of the calls. */
export interface Change {
  readonly steps: readonly Step[]
  readonly startedAt: number
  readonly endedAt: number
}

/** Of the calls that the change could have held up. */
export const figuresOf = (all: readonly Call[], { steps, startedAt, endedAt }: Change): CallFigures => {
  const calls = all.filter((call) => call.endedAt >= startedAt && call.startedAt <= endedAt)
  const msOf = (call: Call): number => call.endedAt - call.startedAt
  const ordered = calls.toSorted((a, b) => msOf(a) - msOf(b))
  const percentile = (share: number): number | null => {
    const call = ordered[Math.ceil(share * ordered.length) - 1]
    return call === undefined ? null : msOf(call)
  }
  const longest = ordered.at(-1)
  const seconds = (endedAt - startedAt) / 1_000
  return {
    ratio: null,
    calls: calls.length,
    seconds,
    perSecond: calls.length / seconds,
    roundsPerSecond: [],
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    peakRssMb: null,
    loopDelayP99Ms: null,
    ...(longest === undefined ? {} : { longestMs: msOf(longest) }),
    stalls: calls.filter((call) => msOf(call) > STALL_MS).length,
    tookMs: endedAt - startedAt,
    note: longest === undefined ? undefined : describeLongest(longest, steps),
  }
}

/** What went on when the longest call began, and what it waited for then. */
const describeLongest = ({ startedAt, waitedFor }: Call, steps: readonly Step[]): string => {
  const step = (steps.find(({ endedAt }) => endedAt >= startedAt) ?? steps.at(-1))?.name.slice(0, NOTE_LENGTH)
  const wait = waitedFor === undefined ? undefined : `waited for ${waitedFor}`
  return [step, wait].filter((part) => part !== undefined).join('; ')
}
