import { printable } from '../terminal/printable.js'
import type { Render } from '../terminal/render.js'
import { MOST_KEPT, type Findings } from './checking/findings.js'

/** One count of a report. */
export interface CountLine {
  readonly name: string
  readonly amount: number
  readonly isBad: boolean
}

/** The findings of one kind. */
export interface FindingSection {
  readonly title: string
  readonly count: number
  /** The first ones. */
  readonly lines: readonly string[]
}

/** Findings shown of each kind: the verdict has to fit on the same screen. */
const MOST_SHOWN = 20

/** Counts in two columns. */
export const renderCounts = (counts: readonly CountLine[], { paint }: Render): readonly string[] => {
  const nameWidth = Math.max(...counts.map(({ name }) => name.length)) + 2
  const width = Math.max(...counts.map(({ amount }) => format(amount).length))
  return counts.map(({ name, amount, isBad }) => {
    const line = `${name.padEnd(nameWidth)}${format(amount).padStart(width)}`
    return isBad ? paint.red(line) : line
  })
}

export const toSection = <T>(title: string, found: Findings<T>, describe: (finding: T) => string): FindingSection => ({
  title,
  count: found.count,
  lines: found.first.map(describe),
})

/** The kinds that have findings, each after an empty line. */
export const renderSections = (sections: readonly FindingSection[]): readonly string[] =>
  sections
    .filter(({ count }) => count > 0)
    .flatMap(({ title, count, lines }) => [
      '',
      `${title}:`,
      ...lines.slice(0, MOST_SHOWN).map((line) => `  ${printable(line)}`),
      ...(count > MOST_SHOWN
        ? [`  … and ${format(count - MOST_SHOWN)} more (--json lists up to ${format(MOST_KEPT)})`]
        : []),
    ])

const format = (amount: number): string => amount.toLocaleString('en-US')
