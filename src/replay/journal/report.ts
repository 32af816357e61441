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

const describeTorn = (line: number, mayBeAnswered: boolean): string =>
  mayBeAnswered
    ? `line ${line} is damaged, and its message may have been answered as queued: it is left out, and stands in the last line of the journal`
    : `line ${line} was not written whole, and never answered: left out`

const countsOf = ({ attempted, saved, duplicates, rejected, lost, doubled, altered }: JournalReport) => ({
  attempted,
  saved,
  duplicates,
  rejected: rejected.count,
  lost: lost.count,
  doubled: doubled.count,
  altered: altered.count,
})

/** Findings shown of each kind. */
const MOST_SHOWN = 20

/** The report for people, verdict last. */
export const renderJournalReport = (report: JournalReport): string => {
  const { attempted, rejected, lost, doubled, altered, tornLine, mayBeAnswered } = report
  const amounts = Object.entries(countsOf(report)).map(
    ([name, amount]) => [name, amount.toLocaleString('en-US')] as const,
  )
  const width = Math.max(...amounts.map(([, amount]) => amount.length))
  const findings = [
    ...rejected.first.map(({ line, reason }) => `rejected: line ${line}: ${reason}`),
    ...lost.first.map((line) => `lost: line ${line}`),
    ...doubled.first.map(({ line, ids }) => `doubled: line ${line}: messages ${ids.join(', ')}`),
    ...altered.first.map(({ line, id, reason }) => `altered: line ${line}: message ${id} ${reason}`),
  ]
  const ok = isJournalClean(report)
  return [
    ...amounts.map(([name, amount]) => `${name.padEnd(12)}${amount.padStart(width)}`),
    ...(tornLine === undefined ? [] : [describeTorn(tornLine, mayBeAnswered)]),
    ...(findings.length === 0 ? [] : ['', ...findings.slice(0, MOST_SHOWN)]),
    '',
    ok
      ? `ok: all ${attempted} messages of the journal are in the database; a server that has this journal finds duplicates only`
      : 'FAIL: not every message of the journal is in the database as the journal says; the journal stays as it is',
  ].join('\n')
}
