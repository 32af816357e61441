/** Findings of one kind: all are counted, the first ones are kept. */
export interface Findings<T> {
  readonly count: number
  readonly first: readonly T[]
}

export interface FindingsBuilder<T> {
  add(...found: readonly T[]): void
  result(): Findings<T>
}

/** Findings kept of each kind, so that the report on a huge transcript stays small. */
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
