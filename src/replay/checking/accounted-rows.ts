import { createBitSet } from '../../collections/bit-set.js'

/** Ids of the rows that the messages of a run account for, at one bit an id. */
export interface AccountedRows {
  readonly add: (id: number) => void
  readonly has: (id: number) => boolean
  /** Ascending. */
  readonly ids: () => Iterable<number>
}

/** @param after rows up to this id are left out, and take no memory */
export const createAccountedRows = (after: number): AccountedRows => {
  const offsets = createBitSet()
  return {
    add: (id) => {
      if (id > after) offsets.add(id - after)
    },
    has: (id) => id > after && offsets.has(id - after),
    ids: function* () {
      for (const offset of offsets.values()) yield offset + after
    },
  }
}
