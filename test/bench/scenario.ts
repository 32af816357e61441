import type { Progress } from '../../src/terminal/progress.js'
import type { BenchProcess } from './bench-process.js'
import type { BenchServer } from './server.js'
import type { Figures, Meter } from './meter.js'

/** What was asked for on the command line. */
export interface BenchOptions {
  readonly only: readonly string[]
  /** Measured for each case of `save`, `socket` and `application`; one of `reads` takes at most twice that. */
  readonly seconds: number
  /** Guests of `guests`. */
  readonly guests: number
  /** Messages in the transcript of `bulk`. */
  readonly bulk: number
  /** Sizes of `reads`, in messages, ascending. */
  readonly messages: readonly number[]
  /** Messages of `migrate`, and how long a reader's transaction is open there. */
  readonly rows: number
  readonly readerSeconds: number
  /** Guests of `socket`, one size after the other. */
  readonly sockets: readonly number[]
  /** Starts of each program in `cli`. */
  readonly starts: number
  readonly json: boolean
}

/** One line of the result. */
export interface Row extends Figures {
  readonly scenario: string
  readonly case: string
  /** Messages in the database, where a scenario has several sizes. */
  readonly size?: number | undefined
  /** To the scenario's baseline: of rates (more is better), in `reads` of p99, in `migrate` of the longest call, in `application` of one writer's processor time, in `cli` of the least time to bare node's (less is better). Null where there is none. */
  readonly ratio: number | null
  /** The longest single call, and how many took longer than 100 ms, where somebody could have stood still. */
  readonly longestMs?: number | undefined
  readonly stalls?: number | undefined
  /** What went on beside the calls. */
  readonly tookMs?: number | undefined
  readonly note?: string | undefined
}

/** What a scenario works with. */
export interface Bench {
  readonly process: BenchProcess
  readonly options: BenchOptions
  readonly server: BenchServer
  readonly signal: AbortSignal
  readonly progress: Progress
  readonly createMeter: () => Meter
  readonly report: (row: Row) => void
}

/** One comparison. */
export interface Scenario {
  /** What `--only` takes. */
  readonly name: string
  /** What is compared with what, for `--help`. */
  readonly summary: string
  /** Too long to be run with all the others. */
  readonly onlyNamed?: boolean
  /** Reports its rows as it comes to them. @throws when a figure cannot be trusted, such as when messages are missing */
  readonly run: (bench: Bench) => Promise<void>
}
