import type { Pool } from 'pg'

/** What chatkeep does with a pool, which others may use, too. */
export interface OwnWork {
  /** Connections that are lent to it. */
  readonly lent: number
  /** When work of it last succeeded, by `performance.now()`; -Infinity before the first. */
  readonly doneAt: number
}

const NONE: OwnWork = { lent: 0, doneAt: -Infinity }
const known = new WeakMap<Pool, OwnWork>()

export const ownWorkOn = (pool: Pool): OwnWork => known.get(pool) ?? NONE

export const noteLent = (pool: Pool, more: 1 | -1): void => {
  const { lent, doneAt } = ownWorkOn(pool)
  known.set(pool, { lent: lent + more, doneAt })
}

export const noteDone = (pool: Pool): void => {
  known.set(pool, { ...ownWorkOn(pool), doneAt: performance.now() })
}
