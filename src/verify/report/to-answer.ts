import { ExitCode } from '../../errors.js'
import type { Answer, CheckResult } from '../../terminal/answer.js'
import { isFailing, type Severity } from '../severity.js'
import type { CheckedFinding } from '../verify-report.js'
import { describeFinding, MOST_DIFF_LINES } from './describe-finding.js'
import { renderReport, renderVerdict, type NamedReport } from './render-report.js'

/** A report in all output formats; findings of `failOn` and worse make the answer "no". */
export const toAnswer = (report: NamedReport, failOn: Severity): Answer => {
  const { target, schema, serverVersion, expect, columns, checks, findings, next, summary, durationMs } = report
  return {
    exitCode: report.ok ? ExitCode.done : ExitCode.no,
    data: {
      ...{ target, schema, serverVersion, expect, columns, checks },
      findings: findings.map(toDocument),
      ...{ next, summary, durationMs },
    },
    text: (render) => renderReport(report, render),
    checks: {
      properties: { target, schema, expect, serverVersion },
      names: checks,
      findings: findings.map((found) => toResult(found, failOn)),
      verdict: (render) => renderVerdict(report, render),
      durationMs,
    },
  }
}

// JSON documents have null for a field that a finding does not have.
const toDocument = (found: CheckedFinding) => ({
  ...found,
  place: found.place ?? null,
  diff: found.diff ?? null,
  sqlState: found.sqlState ?? null,
})

const toResult = (found: CheckedFinding, failOn: Severity): CheckResult => {
  const { check, code, severity, object, place } = found
  return {
    ...{ check, code, severity, object, place },
    isFailing: isFailing(found, failOn),
    lines: describeFinding(found),
    brief: describeFinding(found, MOST_DIFF_LINES),
  }
}
