import type { Intake } from './intake.js'

export interface LaneLimits {
  readonly lanes: number
  /** Largest number of items queued in one lane. */
  readonly perLane: number
  /** Largest weight queued in all lanes together; a single heavier item is queued alone. */
  readonly weight: number
}

interface Lane {
  tail: Promise<void>
  queued: number
}

/**
 * Works in parallel lanes: a lane is in order, and all items of a name share one lane.
 * @param work processes an item; its lane waits for it
 */
export const createLanes = <Item>(limits: LaneLimits, work: (item: Item) => Promise<void>): Intake<Item> => {
  const lanes: readonly Lane[] = Array.from({ length: limits.lanes }, () => ({ tail: Promise.resolve(), queued: 0 }))
  let weightQueued = 0
  let failure: { readonly error: unknown } | undefined
  let wake = (): void => undefined

  const throwIfFailed = (): void => {
    if (failure !== undefined) throw failure.error
  }
  const hasRoom = (lane: Lane, weight: number): boolean =>
    lane.queued < limits.perLane && (weightQueued === 0 || weightQueued + weight <= limits.weight)

  const run = async (lane: Lane, item: Item, weight: number): Promise<void> => {
    try {
      if (failure === undefined) await work(item)
    } catch (error) {
      failure ??= { error }
    } finally {
      lane.queued -= 1
      weightQueued -= weight
      wake()
    }
  }

  return {
    push: async (name, item, weight) => {
      const lane = lanes[laneOf(name, limits.lanes)]
      if (lane === undefined) throw new RangeError('there is no lane')
      while (!hasRoom(lane, weight)) {
        await new Promise<void>((resolve) => (wake = resolve))
      }
      throwIfFailed()
      lane.queued += 1
      weightQueued += weight
      lane.tail = lane.tail.then(() => run(lane, item, weight))
    },
    settle: async () => {
      await Promise.all(lanes.map(({ tail }) => tail))
    },
    throwIfFailed,
  }
}

// FNV-1a over the UTF-16 units: the same name, the same lane.
const laneOf = (name: string, lanes: number): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < name.length; index += 1) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
  return (hash >>> 0) % lanes
}
