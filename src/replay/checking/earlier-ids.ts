/**
 * The ids that rows had at one moment, as ranges with both ends: of negative ids and of the others. A new row has an id
 * outside of both, whichever way the sequence runs, and also when it went on in the negative half. Ascending, none overlap.
 */
export type EarlierIds = readonly (readonly [least: number, largest: number])[]

export const NO_IDS: EarlierIds = []

export const isEarlier = (earlier: EarlierIds, id: number): boolean =>
  earlier.some(([least, largest]) => id >= least && id <= largest)

/** Ids between two others, both excluded; null for no end. */
export interface IdGap {
  readonly after: number | null
  readonly before: number | null
}

/** Where new ids can be, ascending. */
export const gapsOf = (earlier: EarlierIds): readonly IdGap[] =>
  [...earlier, undefined].map((range, index) => ({
    after: earlier[index - 1]?.[1] ?? null,
    before: range?.[0] ?? null,
  }))
