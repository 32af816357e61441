import { printable } from '../terminal/printable.js'
import { count, duration, type Render } from '../terminal/render.js'
import { sameDatabaseHint, verdictWord } from './verdict.js'
import { countsOf, nextAfter, sectionsOf, verdictOf } from './describe-report.js'
import { renderCounts, renderSections } from './render-findings.js'
import { chatkeep, describeSteps, type TargetNaming } from '../next-step.js'
import type { ReplayReport } from './replay.js'

/** What was replayed, and where to, as the report names it. */
export interface ReportedRun {
  readonly transcript: string
  readonly url: string | undefined
  readonly target: string
  readonly naming: TargetNaming | undefined
}

/** A report for people, verdict last. */
export const renderReport = (report: ReplayReport, run: ReportedRun, render: Render): readonly string[] => [
  ...renderCounts(countsOf(report), render),
  ...timesOf(report),
  ...renderSections(sectionsOf(report)),
  ...adviceOn(report, run).flatMap((advice) => ['', advice]),
  '',
  `${verdictWord(report.verdict === 'passed', render)} ${verdictOf(report)}`,
]

const timesOf = ({ sendMs, messagesPerSecond, readBackMs }: ReplayReport): readonly string[] => {
  if (sendMs === 0) return []
  const rate = `${count(Math.round(messagesPerSecond), 'message')}/s`
  return [`sent in ${duration(sendMs)} (${rate}), read back in ${duration(readBackMs)}`]
}

const adviceOn = (report: ReplayReport, { transcript, url, target, naming }: ReportedRun): readonly string[] => {
  const { lost, withoutClient } = report
  const next = nextAfter(report, transcript)
  return [
    ...(next === undefined ? [] : [`Next: ${printable(describeSteps(next, naming))}`]),
    ...(lost.count > 0 && url !== undefined ? [sameDatabaseHint(url, target)] : []),
    ...(withoutClient === 0
      ? []
      : [
          `${count(withoutClient, 'message')} stored without client; ${describeSteps(chatkeep('reconcile'), naming)} links them where it can`,
        ]),
  ]
}
