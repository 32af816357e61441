import { printable, type Render } from '../terminal/render.js'

/** One count, as people read it. */
export interface CountLine {
  readonly name: string
  readonly amount: string
  readonly isBad: boolean
}

/** The findings of one kind. */
export interface FindingSection {
  readonly title: string
  readonly count: number
  /** The first ones. */
  readonly lines: readonly string[]
}

/** Findings shown of each kind; a screen holds the verdict as well. */
const MOST_SHOWN = 20

/** Counts in two columns. */
export const renderCounts = (counts: readonly CountLine[], { paint }: Render): readonly string[] => {
  const nameWidth = Math.max(...counts.map(({ name }) => name.length)) + 2
  const width = Math.max(...counts.map(({ amount }) => amount.length))
  return counts.map(({ name, amount, isBad }) => {
    const line = `${name.padEnd(nameWidth)}${amount.padStart(width)}`
    return isBad ? paint.red(line) : line
  })
}

/** The kinds of which there are findings, an empty line before each. */
export const renderSections = (sections: readonly FindingSection[]): readonly string[] =>
  sections
    .filter(({ count }) => count > 0)
    .flatMap(({ title, count, lines }) => [
      '',
      `${title}:`,
      ...lines.slice(0, MOST_SHOWN).map((line) => `  ${printable(line)}`),
      ...(count > MOST_SHOWN
        ? [`  … and ${(count - MOST_SHOWN).toLocaleString('en-US')} more (--json lists up to 1,000)`]
        : []),
    ])
