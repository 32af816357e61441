import { createFindings, type Findings } from './findings.js'
import { inBatches, type Stream } from './in-batches.js'
import { judgeShown, type ShownMessage, type ShownNotStored } from './judge-shown.js'
import type { ReadBack } from './read-back.js'

/** Findings, and how many items were examined. */
export interface Found<T> {
  readonly found: Findings<T>
  readonly count: number
}

/** Compares everything that was shown with what is stored. */
export const checkShown = async (
  shown: Stream<ShownMessage>,
  readBack: ReadBack,
  signal: AbortSignal | undefined,
): Promise<Found<ShownNotStored>> => {
  const found = createFindings<ShownNotStored>()
  let count = 0
  for await (const batch of inBatches(shown, ({ text, imageUrl }) => (text?.length ?? 0) + (imageUrl?.length ?? 0))) {
    signal?.throwIfAborted()
    found.add(...judgeShown(batch, await readBack.rowsById([...new Set(batch.map(({ id }) => id))])))
    count += batch.length
  }
  return { found: found.result(), count }
}
