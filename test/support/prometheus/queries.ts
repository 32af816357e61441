import { parser } from '@prometheus-io/lezer-promql'

/** What a query selects: a metric, with patterns of the values of its labels. */
export interface Selector {
  readonly metric: string
  readonly labels: readonly (readonly [label: string, pattern: RegExp])[]
}

/** A sample as a server shows it, without its value. */
export interface Series {
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
}

export interface Query {
  readonly selectors: readonly Selector[]
  /** Labels that it groups by or leaves out. */
  readonly groupings: readonly string[]
}

/** Reads PromQL. @throws when its syntax is wrong, with the place */
export const readQuery = (text: string): Query => {
  const selectors: Selector[] = []
  const groupings: string[] = []
  parser.parse(text).iterate({
    enter: ({ name, from, to, type }) => {
      if (type.isError) throw new Error(`not PromQL: ${text.slice(0, to)} <- here`)
      if (name === 'VectorSelector') selectors.push(toSelector(text.slice(from, to)))
      if (name === 'GroupingLabels') groupings.push(...(text.slice(from, to).match(/\w+/g) ?? []))
    },
  })
  return { selectors, groupings }
}

const toSelector = (text: string): Selector => ({
  metric: /^\w+/.exec(text)?.[0] ?? '',
  labels: Array.from(text.matchAll(/(\w+)(=~?)"([^"]*)"/g), ([, label = '', operator, value = '']) => [
    label,
    new RegExp(`^(?:${operator === '=' ? value.replace(/\W/g, '\\$&') : value})$`),
  ]),
})

/** Labels that the scraper adds. */
const OF_SCRAPER = ['job', 'instance']

/** Whether a series is selected. */
export const selects = ({ metric, labels }: Selector, series: Series): boolean =>
  series.metric === metric &&
  labels.every(([label, pattern]) => OF_SCRAPER.includes(label) || pattern.test(series.labels[label] ?? ''))

/** The series in the text format. */
export const seriesIn = (text: string): readonly Series[] =>
  text
    .split('\n')
    .filter((line) => /^\w/.test(line))
    .map((line) => ({
      metric: /^\w+/.exec(line)?.[0] ?? '',
      labels: Object.fromEntries(
        Array.from(line.matchAll(/(\w+)="([^"]*)"/g), ([, label = '', value = '']) => [label, value] as const),
      ),
    }))
