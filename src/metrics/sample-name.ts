import { printable } from '../terminal/printable.js'
import type { Metric } from './metric.js'
import type { Sample } from './report.js'

/** The title of a metric, with the labels of the sample. */
export const nameOf = ({ title }: Metric, { labels }: Sample): string =>
  [title, labelText(labels)].filter((part) => part !== '').join(' ')

/** Labels by their values, and by their names, too, where a value does not speak for itself. */
export const labelText = (labels: Sample['labels']): string =>
  Object.entries(labels)
    .map(([label, value]) => printable(/\p{L}/u.test(value) ? value : `${label} ${value}`))
    .join(' ')
