import type { Render } from '../../terminal/render.js'
import { verdictWord } from '../verdict.js'
import { describeChanges } from '../describe-report.js'
import { renderCounts, renderSections, toSection } from '../render-findings.js'
import { isJournalClean, type JournalReport } from './replay-journal.js'

/** The report for programs. */
export const journalData = (report: JournalReport): Readonly<Record<string, unknown>> => {
  const { attempted, rejected, lost, doubled, altered } = report
  return {
    format: report.source,
    ...countsOf(report),
    edited: report.edited,
    deleted: report.deleted,
    ...(report.checkOnly
      ? {
          checkOnly: true,
          found: attempted - rejected.count - lost.count - report.deleted,
          standby: report.standby ?? null,
        }
      : {}),
    tornLine: report.tornLine ?? null,
    mayBeAnswered: report.mayBeAnswered,
    sendMs: Math.round(report.sendMs),
    readBackMs: Math.round(report.readBackMs),
    rejectedLines: rejected.first,
    lostLines: lost.first,
    doubledMessages: doubled.first,
    alteredRows: altered.first,
  }
}

const countsOf = ({ attempted, saved, duplicates, rejected, lost, doubled, altered }: JournalReport) => ({
  attempted,
  saved,
  duplicates,
  rejected: rejected.count,
  lost: lost.count,
  doubled: doubled.count,
  altered: altered.count,
})

/** Counts of what was done; the others count what is wrong. */
const DONE: readonly string[] = [
  'attempted',
  'saved',
  'duplicates',
  'compared',
  'found',
  'edited since',
  'deleted since',
]

const shownCounts = (report: JournalReport): Readonly<Record<string, number>> => {
  const { attempted, saved, duplicates, ...wrong } = countsOf(report)
  const changes = Object.fromEntries(describeChanges(report))
  const found = attempted - wrong.rejected - wrong.lost - report.deleted
  return report.checkOnly
    ? { compared: attempted, found, ...changes, ...wrong }
    : { attempted, saved, duplicates, ...changes, ...wrong }
}

/** The report for people, verdict last. */
export const renderJournalReport = (report: JournalReport, render: Render): readonly string[] => {
  const { tornLine, mayBeAnswered } = report
  const ok = isJournalClean(report)
  const counts = Object.entries(shownCounts(report)).map(([name, amount]) => ({
    name,
    amount,
    isBad: amount > 0 && !DONE.includes(name),
  }))
  return [
    ...renderCounts(counts, render),
    ...(report.standby === undefined ? [] : [`answered by a ${report.standby}`]),
    ...(tornLine === undefined ? [] : [describeTorn(tornLine, mayBeAnswered)]),
    ...renderSections(sectionsOf(report)),
    '',
    `${verdictWord(ok, render)} ${verdictOf(report, ok)}`,
  ]
}

const sectionsOf = ({ rejected, lost, doubled, altered }: JournalReport) => [
  toSection('rejected', rejected, ({ line, reason }) => `line ${line}: ${reason}`),
  toSection('lost', lost, (line) => `line ${line}: not in the database`),
  toSection('doubled', doubled, ({ line, ids }) => `line ${line}: messages ${ids.join(', ')}`),
  toSection('altered', altered, ({ line, id, reason }) => `line ${line}: message ${id} ${reason}`),
]

const describeTorn = (line: number, mayBeAnswered: boolean): string =>
  mayBeAnswered
    ? `line ${line} is damaged and was left out: its sender may have been told that the message is queued, so look at the last line of the journal`
    : `line ${line} is incomplete and was left out: its sender was never told that the message is queued`

const verdictOf = ({ attempted, source, checkOnly, lost, deleted, standby }: JournalReport, ok: boolean): string => {
  const file = source === 'journal' ? 'journal' : 'file'
  if (checkOnly && lost.count > 0)
    return `${lost.count.toLocaleString('en-US')} of ${attempted.toLocaleString('en-US')} messages of the ${file} are not in the database: without --check-only they are stored`
  if (!ok) return `not every message of the ${file} is in the database as the ${file} has it; the ${file} is unchanged`
  const after =
    source === 'journal'
      ? 'a server that later drains this journal stores nothing twice'
      : standby === undefined
        ? 'the file is no longer needed'
        : 'ask the primary before you delete the file'
  const but = deleted === 0 ? '' : `, but for ${deleted.toLocaleString('en-US')} deleted since`
  return `all ${attempted.toLocaleString('en-US')} messages of the ${file} are in the database${but}; ${after}`
}
