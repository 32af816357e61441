import { createBitSet } from '../../collections/bit-set.js'
import { isEarlier, type EarlierIds } from './earlier-ids.js'

/** Ids of the rows that the messages of a run account for. */
export interface AccountedRows {
  readonly add: (id: number) => void
  readonly has: (id: number) => boolean
  /** Ascending. */
  readonly ids: () => Iterable<number>
}

/** @param earlier ids that are left out, and take no memory */
export const createAccountedRows = (earlier: EarlierIds): AccountedRows => {
  const ids = createBitSet()
  return {
    add: (id) => {
      if (!isEarlier(earlier, id)) ids.add(id)
    },
    has: (id) => ids.has(id),
    ids: () => ids.values(),
  }
}
