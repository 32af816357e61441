import type { Stage } from './stage.js'

/** One way in which a part of the whole breaks. */
export interface Fault {
  readonly name: string
  readonly summary: string
  /** Breaks it, waits, and mends it. */
  readonly strike: (stage: Stage) => Promise<Strike>
}

/** What really happened: a count above zero, or the reason why it cannot happen on this machine. */
export type Strike = { readonly evidence: readonly Evidence[] } | { readonly skipped: string }

export interface Evidence {
  readonly count: number
  /** What was counted, in the plural. */
  readonly what: string
}

export const seen = (...evidence: readonly (readonly [count: number, what: string])[]): Strike => ({
  evidence: evidence.map(([count, what]) => ({ count, what })),
})
