import type { ProcessContext } from '../../src/cli/context.js'

/** All that the benchmark may know of its process. Only `main.ts` makes one from the real process. */
export interface BenchProcess extends ProcessContext {
  readonly nodeVersion: string
  /** Program and first arguments that start this program again. */
  readonly ownCommand: readonly string[]
  /** Memory that this process holds now. */
  readonly rssBytes: () => number
  /** The most memory that this process held since it began. */
  readonly peakRssBytes: () => number
}
