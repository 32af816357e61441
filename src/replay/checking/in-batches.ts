export type Stream<T> = Iterable<T> | AsyncIterable<T>

/** Rows that one query asks for at most, … */
const BATCH_MESSAGES = 1_000
/** … and characters of text, which keep its result small. */
const BATCH_UNITS = 4 * 1_048_576

/** Groups items that one query looks up. @param unitsOf length of an item's text */
export async function* inBatches<T>(items: Stream<T>, unitsOf: (item: T) => number): AsyncGenerator<readonly T[]> {
  let batch: T[] = []
  let units = 0
  for await (const item of items) {
    batch.push(item)
    units += unitsOf(item)
    if (batch.length < BATCH_MESSAGES && units < BATCH_UNITS) continue
    yield batch
    batch = []
    units = 0
  }
  if (batch.length > 0) yield batch
}
