import type { Answer } from '../../terminal/answer.js'
import { toErrorDocument } from '../../terminal/error-document.js'
import { monitoringError, PLUGIN_CODE } from '../../terminal/monitoring-line.js'
import type { MetricsReport } from '../report.js'
import { checkLine } from './check-line.js'
import type { Verdict } from './judge.js'
import type { Threshold } from './threshold.js'
import { verdictDocument } from './verdict-document.js'

/** A report as the answer of a monitoring plugin. */
export const checkAnswer = (report: MetricsReport, verdict: Verdict, thresholds: readonly Threshold[]): Answer => ({
  exitCode: PLUGIN_CODE[verdict.state],
  data: {},
  isScript: true,
  text: () => checkLine(report, verdict, thresholds),
})

/** The answer of a monitoring plugin that could not find out. */
export const unknownAnswer = (error: unknown): Answer => {
  const document = toErrorDocument(error)
  return {
    exitCode: PLUGIN_CODE.unknown,
    data: { verdict: verdictDocument({ state: 'unknown', breaches: [] }), error: document },
    isScript: true,
    text: () => monitoringError(document),
  }
}
