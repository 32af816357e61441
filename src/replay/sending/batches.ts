import type { Intake } from './intake.js'

export interface BatchLimits {
  /** Largest number of items in a batch. */
  readonly items: number
  /** Largest weight of a batch; a single heavier item is a batch of its own. */
  readonly weight: number
}

/**
 * Works in batches, in order, one at a time; the next batch gathers meanwhile.
 * @param work processes a batch
 */
export const createBatches = <Item>(
  limits: BatchLimits,
  work: (batch: readonly Item[]) => Promise<void>,
): Intake<Item> => {
  let gathered: Item[] = []
  let weightGathered = 0
  let underWay: Promise<void> = Promise.resolve()
  let failure: { readonly error: unknown } | undefined

  const throwIfFailed = (): void => {
    if (failure !== undefined) throw failure.error
  }

  // Resolves when the previous batch has ended and this one has begun.
  const beginNext = async (): Promise<void> => {
    await underWay
    const batch = gathered
    gathered = []
    weightGathered = 0
    if (batch.length === 0 || failure !== undefined) return
    underWay = work(batch).catch((error: unknown) => {
      failure ??= { error }
    })
  }

  let beginning: Promise<void> = Promise.resolve()
  const begin = (): Promise<void> => (beginning = beginning.then(beginNext))
  let isFlushing = false
  const flushAll = async (): Promise<void> => {
    isFlushing = true
    while (gathered.length > 0 && failure === undefined) await begin()
    isFlushing = false
  }

  return {
    flush: () => {
      if (!isFlushing) void flushAll()
    },
    push: async (_name, item, weight) => {
      const isFull = gathered.length === limits.items || weightGathered + weight > limits.weight
      if (isFull && gathered.length > 0) await begin()
      throwIfFailed()
      gathered.push(item)
      weightGathered += weight
    },
    settle: async () => {
      await begin()
      await underWay
    },
    throwIfFailed,
  }
}
