import { metrics } from '../index.js'
import { configSchema } from './config-schema.js'
import { parseLocatedJson, type LocatedJson, type PlacedMistake } from './located-json.js'
import { readTable, type ThresholdTable } from './threshold-table.js'
import { LEVELS, unknownWord, type Threshold } from './threshold.js'

export interface ParsedConfig {
  readonly thresholds: readonly Threshold[]
  /** In the order of the file. */
  readonly mistakes: readonly PlacedMistake[]
}

/** Reads the text of a configuration file, with all its mistakes. */
export const parseConfig = (text: string): ParsedConfig => {
  const json = parseLocatedJson(text)
  if (!('value' in json)) return { thresholds: [], mistakes: [json] }
  const { thresholds, mistakes } = readTable(tableOf(json.value), metrics)
  const about = mistakes.map(({ subject, level, text: what }) => ({
    ...json.placeOf(['thresholds', subject, ...(level === undefined ? [] : [level])]),
    text: what,
  }))
  return {
    thresholds,
    mistakes: [...shapeMistakes(json), ...json.repeated, ...about].toSorted(
      (a, b) => a.line - b.line || a.column - b.column,
    ),
  }
}

type Issue = NonNullable<ReturnType<typeof configSchema.safeParse>['error']>['issues'][number]

const shapeMistakes = (json: LocatedJson): readonly PlacedMistake[] =>
  (configSchema.safeParse(json.value).error?.issues ?? []).flatMap((issue) => mistakesOf(issue, json))

const mistakesOf = (issue: Issue, json: LocatedJson): readonly PlacedMistake[] => {
  const { path, message } = issue
  if (!('keys' in issue)) {
    const name = path.at(-1)
    return [{ ...json.placeOf(path), text: `${name === undefined ? 'the file' : `"${String(name)}"`} ${message}` }]
  }
  const known = path.length === 0 ? Object.keys(configSchema.shape) : LEVELS
  return issue.keys.map((key) => ({ ...json.placeOf([...path, key]), text: unknownWord('key', key, known) }))
}

/** What of the thresholds has the right shape; the rest is reported by `shapeMistakes`. */
const tableOf = (value: unknown): ThresholdTable =>
  Object.fromEntries(
    entriesOf(entriesOf(value).find(([key]) => key === 'thresholds')?.[1]).map(([subject, levels]) => [
      subject,
      Object.fromEntries(entriesOf(levels).filter(isRange)),
    ]),
  )

const entriesOf = (value: unknown): readonly [string, unknown][] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []

const isRange = (entry: [string, unknown]): entry is [string, string | number | null] =>
  entry[1] === null || typeof entry[1] === 'string' || typeof entry[1] === 'number'
