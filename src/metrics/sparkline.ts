/** Signs of rising height, and the one for a value that is not known. */
const SIGNS = {
  unicode: { blocks: '▁▂▃▄▅▆▇█', gap: '·' },
  ascii: { blocks: '_.,:-=+#', gap: ' ' },
} as const

export type Signs = (typeof SIGNS)[keyof typeof SIGNS]

export const signsFor = (unicode: boolean): Signs => SIGNS[unicode ? 'unicode' : 'ascii']

/**
 * The course of a series in one line, from 0 to its highest value, with a gap where there is none. Where there are more values
 * than columns, a column shows the highest of its values, so that no peak is lost.
 */
export const sparkline = (series: readonly (number | null)[], columns: number, unicode: boolean): string => {
  const { blocks, gap } = signsFor(unicode)
  const values = highestOf(series, columns)
  const top = topOf(values)
  return values
    .map((value) => (value === null ? gap : (blocks[Math.max(0, Math.ceil((value / top) * blocks.length) - 1)] ?? gap)))
    .join('')
}

/** The highest value; 1 where none is above 0, so that it can be divided by. */
export const topOf = (values: readonly (number | null)[]): number => {
  const top = Math.max(0, ...values.map((value) => value ?? 0))
  return top === 0 ? 1 : top
}

/** As many values as there are columns, or fewer: each is the highest of its part of the series. */
export const highestOf = (series: readonly (number | null)[], columns: number): readonly (number | null)[] => {
  const size = Math.max(1, Math.ceil(series.length / columns))
  return Array.from({ length: Math.ceil(series.length / size) }, (_, index) => {
    const known = series.slice(index * size, (index + 1) * size).filter((value) => value !== null)
    return known.length === 0 ? null : Math.max(...known)
  })
}
