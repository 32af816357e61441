/** Ids from the first to the last, both included. */
export type IdRange = readonly [first: number, last: number]

/** Disjoint ranges, in ascending order. */
export type IdRanges = readonly IdRange[]

/** @param range disjoint from the others; nothing is added when it ends before it begins */
export const withRange = (ranges: IdRanges, range: IdRange): IdRanges =>
  range[1] < range[0] ? ranges : [...ranges, range].sort(([a], [b]) => a - b)

export const withoutId = (ranges: IdRanges, id: number): IdRanges =>
  ranges.flatMap((range) => {
    const [first, last] = range
    if (id < first || id > last) return [range]
    const parts: IdRanges = [
      [first, id - 1],
      [id + 1, last],
    ]
    return parts.filter(([from, to]) => from <= to)
  })

/** The parts of the ranges that lie in another one. */
export const within = (ranges: IdRanges, [least, most]: IdRange): IdRanges =>
  ranges
    .map(([first, last]): IdRange => [Math.max(first, least), Math.min(last, most)])
    .filter(([first, last]) => first <= last)

/** The ids of a range that are not among these. */
export const gapsIn = ([first, last]: IdRange, ids: readonly number[]): IdRanges => {
  const bounds = [first - 1, ...ids.toSorted((a, b) => a - b), last + 1]
  return bounds.map((id, index): IdRange => [id + 1, (bounds[index + 1] ?? id) - 1]).filter(([from, to]) => from <= to)
}
