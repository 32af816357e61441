import type { Render } from '../../terminal/render.js'
import { verdictWord } from '../verdict.js'
import { renderCounts, renderSections, toSection } from '../render-findings.js'
import { isJournalClean, type JournalReport } from './replay-journal.js'

/** The report for programs. */
export const journalData = (report: JournalReport): Readonly<Record<string, unknown>> => {
  const { rejected, lost, doubled, altered } = report
  return {
    format: 'journal',
    ...countsOf(report),
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
const DONE: readonly string[] = ['attempted', 'saved', 'duplicates']

/** The report for people, verdict last. */
export const renderJournalReport = (report: JournalReport, render: Render): readonly string[] => {
  const { tornLine, mayBeAnswered } = report
  const ok = isJournalClean(report)
  const counts = Object.entries(countsOf(report)).map(([name, amount]) => ({
    name,
    amount,
    isBad: amount > 0 && !DONE.includes(name),
  }))
  return [
    ...renderCounts(counts, render),
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

const verdictOf = ({ attempted }: JournalReport, ok: boolean): string =>
  ok
    ? `all ${attempted.toLocaleString('en-US')} messages of the journal are in the database; a server that later drains this journal stores nothing twice`
    : 'not every message of the journal is in the database as the journal has it; the journal is unchanged'
