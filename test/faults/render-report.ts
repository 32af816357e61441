import { count, duration, printable, type Render } from '../../src/cli/render.js'
import type { Campaign } from './campaign.js'
import type { Tally } from './check.js'
import { isSeen, type Judgement } from './verdict.js'

const HEAD = [
  ...['fault', 'times', 'messages', 'ok', 'queued', 'repeated', 'fail', 'info', 'lost', 'doubled', 'altered', 'other'],
  ...['first', 'all', 'evidence'],
]

const MOST_SHOWN = 20

/** One line a fault, what was found, and the verdict. */
export const renderReport = (campaign: Campaign, { verdict, reasons }: Judgement, render: Render): string => {
  const { options, findings, problems, tookMs, acknowledged, rows, strikes } = campaign
  const names = ['none', ...options.faults.map(({ name }) => name)]
  const body = [...names.map((name, index) => cellsOf(campaign, name, index)), totalOf(campaign)]
  const skipped = strikes.flatMap(({ fault, skipped: why }) => (why === undefined ? [] : [`skipped: ${fault}, ${why}`]))
  const paint = verdict === 'passed' ? render.paint.green : render.paint.red
  return [
    render.table(HEAD, alignRight(HEAD, body)),
    '',
    'messages: begun or under way during the fault and until everybody could write again. queued: acknowledged out of the journal.',
    'first, all: from the end of the fault until one new message was stored, and until one of every guest was; the longest.',
    'other: in another order, of nobody, not to be found in a history, or told to others otherwise than it is stored.',
    ...skipped,
    ...problems.slice(0, MOST_SHOWN).map((problem) => `problem: ${printable(problem)}`),
    ...findings.first
      .slice(0, MOST_SHOWN)
      .map(({ kind, fault, key, what }) => printable(`${kind}: ${key} (${names[fault] ?? ''}): ${what}`)),
    '',
    `seed ${options.seed}; ${count(acknowledged, 'message')} acknowledged, ${count(rows, 'row')} read back; ${duration(tookMs)}`,
    paint(`${verdict}${reasons.length === 0 ? '' : `: ${reasons.join(', ')}`}`),
  ].join('\n')
}

const cellsOf = (campaign: Campaign, name: string, index: number): readonly string[] => {
  const own = campaign.strikes.filter(({ fault }) => fault === name)
  const seen = own.filter(isSeen).length
  const times = index === 0 ? '' : seen === own.length ? String(seen) : `${seen} of ${own.length}`
  const tally = campaign.tallies[index]
  const slowest = (key: 'firstMs' | 'allMs'): string => {
    if (own.length === 0) return ''
    return own.some((strike) => strike[key] === null)
      ? 'never'
      : duration(Math.max(...own.map((strike) => strike[key] ?? 0)))
  }
  const kinds = own[0]?.evidence ?? []
  const evidence = kinds.map(({ what }, kind) => {
    const sum = own.reduce((total, strike) => total + (strike.evidence[kind]?.count ?? 0), 0)
    return `${sum.toLocaleString('en-US')} ${what}`
  })
  return [
    name,
    times,
    ...(tally === undefined ? [] : figuresOf(tally)),
    slowest('firstMs'),
    slowest('allMs'),
    evidence.join(', '),
  ]
}

const totalOf = ({ tallies }: Campaign): readonly string[] => {
  const figures = tallies.map(numbersOf)
  const sums = (figures[0] ?? []).map((_, column) => figures.reduce((sum, row) => sum + (row[column] ?? 0), 0))
  return ['total', '', ...sums.map((sum) => sum.toLocaleString('en-US')), '', '', '']
}

const numbersOf = ({ messages, ok, queued, repeated, fail, info, found }: Tally): readonly number[] => {
  const { lost, doubled, altered, reordered, unexpected, unreachable, misreported } = found
  const other = reordered + unexpected + unreachable + misreported
  return [messages, ok, queued, repeated, fail, info, lost, doubled, altered, other]
}

const figuresOf = (tally: Tally): readonly string[] => numbersOf(tally).map((number) => number.toLocaleString('en-US'))

/** All but the first and the last column. */
const alignRight = (head: readonly string[], rows: readonly (readonly string[])[]): readonly (readonly string[])[] => {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const last = head.length - 1
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 || column === last ? cell : cell.padStart(widths[column] ?? 0))),
  )
}
