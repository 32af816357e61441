import { printable } from '../../src/terminal/printable.js'
import { count, duration, type Render } from '../../src/terminal/render.js'
import type { Campaign } from './campaign.js'
import type { Tally } from './check.js'
import { isSeen, type Judgement } from './verdict.js'

const EVIDENCE = 'evidence that it happened'
const STRIKES_HEAD = ['fault', 'times', 'recovery', EVIDENCE] as const
const HEAD = ['fault', 'operations', 'ok', 'fail', 'info', 'lost', 'doubled', 'altered', 'other'] as const

const MOST_SHOWN = 20

/** What was done, what became of the messages, what was found, and the verdict; no line is wider than 100 characters. */
export const renderReport = (campaign: Campaign, { verdict, reasons }: Judgement, render: Render): string => {
  const { options, findings, problems, tookMs, acknowledged, rows } = campaign
  const names = ['none', ...options.faults.map(({ name }) => name)]
  const strikes = options.faults.map(({ name }) => strikesOf(campaign, name))
  const body = campaign.tallies.map((tally, index) => [names[index] ?? '', ...numbersOf(tally).map(grouped)])
  const paint = verdict === 'passed' ? render.paint.green : render.paint.red
  return [
    render.table(STRIKES_HEAD, alignRight(STRIKES_HEAD, strikes)),
    '',
    'recovery: the longest, from the end of the fault until every guest had a new message stored',
    '',
    render.table(HEAD, alignRight(HEAD, [...body, totalOf(campaign)])),
    '',
    'operations: messages begun or under way from the beginning of the fault until that recovery',
    'other: in another order, of nobody, in no history, or told to others otherwise than stored',
    ...journeysOf(campaign),
    '',
    ...problems.slice(0, MOST_SHOWN).map((problem) => `problem: ${printable(problem)}`),
    ...findings.first
      .slice(0, MOST_SHOWN)
      .map(({ kind, fault, key, what }) => printable(`${kind}: ${key} (${names[fault] ?? ''}): ${what}`)),
    ...reasons.map((reason) => `${verdict}: ${reason}`),
    paint(
      `${verdict}: seed ${options.seed}, ${count(acknowledged, 'message')} acknowledged, ${count(rows, 'row')} read back, ${duration(tookMs)}`,
    ),
  ].join('\n')
}

const strikesOf = (campaign: Campaign, name: string): readonly string[] => {
  const own = campaign.strikes.filter(({ fault }) => fault === name)
  const seen = own.filter(isSeen).length
  const times = seen === own.length ? String(seen) : `${seen} of ${own.length}`
  const recoveries = own.map(({ allMs }) => allMs)
  const recovery = recoveries.includes(null) ? 'never' : duration(Math.max(0, ...recoveries.map((ms) => ms ?? 0)))
  const skipped = own.find((strike) => strike.skipped !== undefined)?.skipped
  return [name, times, recovery, skipped === undefined ? evidenceOf(own) : `skipped: ${skipped}`]
}

const evidenceOf = (strikes: Campaign['strikes']): string =>
  (strikes[0]?.evidence ?? [])
    .map(({ what }, kind) => {
      const sum = strikes.reduce((total, { evidence }) => total + (evidence[kind]?.count ?? 0), 0)
      return `${grouped(sum)} ${what}`
    })
    .join(', ')

const totalOf = ({ tallies }: Campaign): readonly string[] => {
  const figures = tallies.map(numbersOf)
  const sums = (figures[0] ?? []).map((_, column) => figures.reduce((sum, row) => sum + (row[column] ?? 0), 0))
  return ['total', ...sums.map(grouped)]
}

const numbersOf = ({ messages, ok, fail, info, found }: Tally): readonly number[] => {
  const { lost, doubled, altered, reordered, unexpected, unreachable, misreported } = found
  return [messages, ok, fail, info, lost, doubled, altered, reordered + unexpected + unreachable + misreported]
}

const journeysOf = ({ tallies, crossings, toldTwice }: Campaign): readonly string[] => {
  const [queued, repeated] = (['queued', 'repeated'] as const).map((key) =>
    tallies.reduce((sum, tally) => sum + tally[key], 0),
  )
  const heard = crossings.reduce((sum, one) => sum + one.heard, 0)
  const written = crossings.reduce((sum, one) => sum + one.written, 0)
  return [
    `${grouped(queued ?? 0)} were acknowledged out of a journal, ${grouped(repeated ?? 0)} were sent more than once`,
    `operators heard ${((100 * heard) / Math.max(written, 1)).toFixed(1)} % of what guests of the other server wrote; ${count(toldTwice, 'message')} twice`,
  ]
}

const grouped = (number: number): string => number.toLocaleString('en-US')

/** All columns but the first and that of the evidence. */
const alignRight = (head: readonly string[], rows: readonly (readonly string[])[]): readonly (readonly string[])[] => {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 || head[column] === EVIDENCE ? cell : cell.padStart(widths[column] ?? 0))),
  )
}
