import type { Metric } from '../metric.js'
import { atLevel, LEVELS, parseSubject, type Level, type Threshold } from './threshold.js'

/** Thresholds by `name` or `name{label=value}`, as a file has them. */
export type ThresholdTable = Readonly<Record<string, Levels>>

type Levels = Readonly<Partial<Record<Level, string | number | null | undefined>>>

/** What is wrong with an entry of a table, or with one of its levels. */
export interface TableMistake {
  readonly subject: string
  readonly level: Level | undefined
  readonly text: string
}

/** Reads a whole table, with all its mistakes. Thresholds with more labels come later: they take precedence. */
export const readTable = (
  table: ThresholdTable,
  metrics: readonly Metric[],
): { readonly thresholds: readonly Threshold[]; readonly mistakes: readonly TableMistake[] } => {
  const thresholds: Threshold[] = []
  const mistakes: TableMistake[] = []
  for (const [subject, levels] of Object.entries(table)) {
    const parsed = parseSubject(subject, metrics)
    if ('mistake' in parsed) {
      mistakes.push({ subject, level: undefined, text: parsed.mistake })
      continue
    }
    for (const level of LEVELS) {
      const range = levels[level]
      const threshold = range === undefined ? undefined : atLevel(parsed.value, level, range)
      if (threshold === undefined) continue
      if ('mistake' in threshold) mistakes.push({ subject, level, text: threshold.mistake })
      else thresholds.push(threshold.value)
    }
  }
  return { thresholds: byPrecedence(thresholds), mistakes }
}

/** Those of one source in the order of their precedence: what names more labels is more exact. */
export const byPrecedence = (thresholds: readonly Threshold[]): readonly Threshold[] =>
  thresholds.toSorted((a, b) => Object.keys(a.labels).length - Object.keys(b.labels).length)
