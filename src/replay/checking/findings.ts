/** Findings of one kind: all are counted, and the first ones are kept. */
export interface Findings<T> {
  readonly count: number
  readonly first: readonly T[]
}

export interface FindingsBuilder<T> {
  add(...found: readonly T[]): void
  result(): Findings<T>
}

/** Findings kept of each kind; the report on a huge transcript stays small. */
export const MOST_KEPT = 1_000

export const createFindings = <T>(): FindingsBuilder<T> => {
  const first: T[] = []
  let count = 0
  return {
    add: (...found) => {
      count += found.length
      first.push(...found.slice(0, MOST_KEPT - first.length))
    },
    result: () => ({ count, first }),
  }
}

export const NO_FINDINGS: Findings<never> = { count: 0, first: [] }

/** The findings of two searches, in this order. */
export const mergeFindings = <T>(one: Findings<T>, other: Findings<T>): Findings<T> => ({
  count: one.count + other.count,
  first: [...one.first, ...other.first].slice(0, MOST_KEPT),
})
