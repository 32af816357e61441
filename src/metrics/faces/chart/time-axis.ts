const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Times below a chart, each where its bucket begins; as many as have room. */
export const timeAxis = (
  buckets: readonly Date[],
  { columns, windowMs, indent }: { readonly columns: number; readonly windowMs: number; readonly indent: number },
): readonly string[] => {
  const each = Math.max(1, Math.floor(columns / buckets.length))
  const labels = buckets.map((start) => timeLabel(start, windowMs))
  const width = (labels[0] ?? '').length
  const step = Math.ceil((width + 2) / each)
  const shown = labels.map((label, index) => (index % step === 0 && index * each + width <= columns ? label : ''))
  const line = shown.reduce((text, label, index) => (label === '' ? text : text.padEnd(index * each) + label), '')
  return [' '.repeat(indent) + line]
}

/** As much of an instant as tells it from the others of its window. */
const timeLabel = (at: Date, windowMs: number): string => {
  const [date = '', time = ''] = at.toISOString().split('T')
  if (windowMs <= HOUR_MS / 6) return time.slice(0, 8)
  if (windowMs <= 2 * DAY_MS) return time.slice(0, 5)
  return windowMs <= 14 * DAY_MS ? `${date.slice(5)} ${time.slice(0, 5)}` : date
}
