/** Buckets whose bounds grow by the factor 2^(2^-SCHEMA), about 9 %: fine enough for any percentile, and few in number. */
const SCHEMA = 3

/** A run of buckets that lie side by side: how far behind the run before it begins, and their number. */
export interface Span {
  readonly offset: number
  readonly length: number
}

/** A histogram as Prometheus' protobuf format has it: only buckets that are not empty, and each as the difference to the one before. */
export interface NativeHistogram {
  readonly count: number
  readonly sum: number
  readonly schema: number
  readonly zeroCount: number
  readonly spans: readonly Span[]
  readonly deltas: readonly number[]
}

/** Values below it, in seconds, count as 0: the clock does not tell them apart. */
export const ZERO_THRESHOLD = 1e-6

export interface NativeCounter {
  /** @param value 0 or more */
  observe(value: number): void
  read(): NativeHistogram
}

/** Counts values in buckets that come into being when they are needed. */
export const createNativeCounter = (): NativeCounter => {
  const buckets = new Map<number, number>()
  const total = { count: 0, sum: 0, zeroCount: 0 }
  return {
    observe: (value) => {
      total.count += 1
      total.sum += value
      if (value <= ZERO_THRESHOLD) {
        total.zeroCount += 1
        return
      }
      // Bucket i holds the values above factor^(i-1), up to and including factor^i.
      const index = Math.ceil(Math.log2(value) * 2 ** SCHEMA)
      buckets.set(index, (buckets.get(index) ?? 0) + 1)
    },
    read: () => ({ ...total, schema: SCHEMA, ...toSpans([...buckets].sort(([one], [other]) => one - other)) }),
  }
}

const toSpans = (
  buckets: readonly (readonly [index: number, count: number])[],
): Pick<NativeHistogram, 'spans' | 'deltas'> => {
  const spans: { offset: number; length: number }[] = []
  const deltas: number[] = []
  let [next, before] = [0, 0]
  for (const [index, count] of buckets) {
    const last = spans.at(-1)
    if (last !== undefined && index === next) last.length += 1
    else spans.push({ offset: index - next, length: 1 })
    deltas.push(count - before)
    ;[next, before] = [index + 1, count]
  }
  return { spans, deltas }
}
