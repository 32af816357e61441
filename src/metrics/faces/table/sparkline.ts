const SIGNS = {
  unicode: { blocks: '▁▂▃▄▅▆▇█', gap: '·' },
  ascii: { blocks: '_.,:-=+#', gap: ' ' },
} as const

/**
 * The course of a series in one line, from 0 to its highest value, with a gap where there is none. Where there are more values
 * than columns, a column shows the highest of its values, so that no peak is lost.
 */
export const sparkline = (series: readonly (number | null)[], columns: number, unicode: boolean): string => {
  const { blocks, gap } = SIGNS[unicode ? 'unicode' : 'ascii']
  const values = highestOf(series, columns)
  const top = Math.max(...values.map((value) => value ?? 0))
  const blockFor = (value: number): string =>
    blocks[top <= 0 ? 0 : Math.max(0, Math.ceil((value / top) * blocks.length) - 1)] ?? ''
  return values.map((value) => (value === null ? gap : blockFor(value))).join('')
}

/** As many values as there are columns, or fewer: each is the highest of its part of the series. */
export const highestOf = (series: readonly (number | null)[], columns: number): readonly (number | null)[] => {
  const size = Math.max(1, Math.ceil(series.length / columns))
  return Array.from({ length: Math.ceil(series.length / size) }, (_, index) => {
    const known = series.slice(index * size, (index + 1) * size).filter((value) => value !== null)
    return known.length === 0 ? null : Math.max(...known)
  })
}
