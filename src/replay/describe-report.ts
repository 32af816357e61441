import { shellWord } from '../shell-word.js'
import { toSection, type CountLine, type FindingSection } from './render-findings.js'
import { chatkeep, type Next } from '../next-step.js'
import type { ChangeCounts } from './checking/changes.js'
import type { ReplayReport } from './replay.js'

/** A report for programs. */
export const reportData = (report: ReplayReport): Readonly<Record<string, unknown>> => ({
  attempted: report.attempted,
  saved: report.saved,
  duplicates: report.duplicates,
  ...(report.found === undefined ? {} : { found: report.found }),
  rejected: report.rejected.count,
  lost: report.lost.count,
  doubled: report.doubled.count,
  unexpected: report.unexpected.count,
  altered: report.altered.count,
  outOfOrder: report.outOfOrder.count,
  doubledClients: report.doubledClients.count,
  withoutClient: report.withoutClient,
  edited: report.edited,
  deleted: report.deleted,
  recovered: report.recovered,
  outcomes: report.outcomes,
  verdict: report.verdict,
  sendMs: Math.round(report.sendMs),
  readBackMs: Math.round(report.readBackMs),
  messagesPerSecond: Math.round(report.messagesPerSecond),
  rejectedLines: report.rejected.first,
  lostLines: report.lost.first,
  doubledMessages: report.doubled.first,
  unexpectedRows: report.unexpected.first,
  alteredRows: report.altered.first,
  outOfOrderMessages: report.outOfOrder.first,
  doubledClientIds: report.doubledClients.first.map(({ ids }) => ids),
})

/** The counts of every report, then the other kinds that have findings. */
export const countsOf = (report: ReplayReport): readonly CountLine[] => [
  ...doneOf(report).map(([name, amount]) => toCountLine(name, amount, false)),
  ...sectionsOf(report)
    .filter(({ title, count }) => count > 0 || ALWAYS_SHOWN.includes(title))
    .map(({ title, count }) => toCountLine(title, count, count > 0)),
]

/** Every kind of finding, with or without findings. */
export const sectionsOf = (report: ReplayReport): readonly FindingSection[] => [
  toSection('rejected', report.rejected, ({ line, reason }) => `line ${line}: ${reason}`),
  toSection('lost', report.lost, (line) =>
    report.found === undefined
      ? `line ${line}: acknowledged, and not in the database`
      : `line ${line}: not in the database`,
  ),
  toSection('doubled', report.doubled, ({ line, ids }) =>
    line === null
      ? `messages ${ids.join(', ')}: the same message again, under another key or none`
      : `line ${line}: messages ${ids.join(', ')}`,
  ),
  toSection('unexpected', report.unexpected, ({ id, line, reason }) =>
    line === null ? `message ${id} ${reason}` : `line ${line}: message ${id} ${reason}`,
  ),
  toSection('altered', report.altered, ({ id, line, reason }) => `line ${line}: message ${id} ${reason}`),
  toSection(
    'out of order',
    report.outOfOrder,
    ({ line, id, earlierId }) =>
      `line ${line}: message ${id} is stored before message ${earlierId}, which was sent before it`,
  ),
  toSection('same name', report.doubledClients, ({ ids }) => `clients ${ids.join(', ')} share one name`),
]

/** The last line of a report, without its first word. */
export const verdictOf = (report: ReplayReport): string => {
  const { attempted, saved, duplicates, found, deleted } = report
  const counts =
    found === undefined
      ? `${plural(attempted, 'message')} attempted, ${format(saved)} saved, ${plural(duplicates, 'duplicate')}`
      : `${plural(attempted, 'message')} compared, ${format(found)} found`
  const done = deleted === 0 ? counts : `${counts}, ${format(deleted)} deleted since`
  if (report.verdict === 'passed')
    return `${done}; nothing lost, doubled or ${found === undefined ? 'unexpected' : 'altered'}`
  const bad = sectionsOf(report)
    .filter(({ title, count }) => count > 0 || ALWAYS_SHOWN.includes(title))
    .map(({ title, count }) => `${format(count)} ${title}`)
  return `${done}; ${bad.join(', ')}`
}

const doneOf = (report: ReplayReport): readonly (readonly [string, number])[] => {
  const { attempted, saved, duplicates, found } = report
  const changes = describeChanges(report)
  if (found !== undefined) return [['compared', attempted], ['found', found], ...changes]
  return [['attempted', attempted], ['saved', saved], ['duplicates', duplicates], ...changes]
}

/** What was changed by the application; nothing of it is a finding. */
export const describeChanges = ({ edited, deleted }: ChangeCounts): readonly (readonly [string, number])[] =>
  (
    [
      ['edited since', edited],
      ['deleted since', deleted],
    ] as const
  ).filter(([, amount]) => amount > 0)

/** What to do after messages were lost; undefined when there is nothing. */
export const nextAfter = ({ lost, found, resumedAt = 0 }: ReplayReport, transcript: string): Next | undefined => {
  if (lost.count === 0) return undefined
  if (found !== undefined)
    return chatkeep(`replay ${shellWord(transcript)}`, 'store what is missing, and nothing twice')
  if (resumedAt > 0) return 'the same command without --resume sends again what an earlier run had sent'
  return undefined
}

/** Kinds that are reported even when they have no findings. */
const ALWAYS_SHOWN: readonly string[] = ['rejected', 'lost', 'doubled', 'unexpected']

const toCountLine = (name: string, amount: number, isBad: boolean): CountLine => ({ name, amount, isBad })

const format = (amount: number): string => amount.toLocaleString('en-US')
const plural = (amount: number, noun: string): string => `${format(amount)} ${noun}${amount === 1 ? '' : 's'}`
