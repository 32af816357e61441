import { SqlState } from '../../database/sql-state.js'
import { ExitCode } from '../../errors.js'
import type { Answer, CheckResult } from '../../terminal/answer.js'
import { isFailing, type Severity } from '../severity.js'
import type { CheckedFinding } from '../verify-report.js'
import { describeFinding, MOST_DIFF_LINES } from './describe-finding.js'
import { excerptLines } from './excerpt-lines.js'
import { renderReport, renderVerdict, type NamedReport } from './render-report.js'
import { describeSteps, toStepDocuments, type TargetNaming } from '../../next-step.js'

/** A report in all output formats; findings of `failOn` and worse make the answer "no". */
export const toAnswer = (report: NamedReport): Answer => {
  const {
    target,
    schema,
    serverVersion,
    standby,
    survival,
    expect,
    failOn,
    columns,
    checks,
    skipped,
    findings,
    next,
    summary,
    durationMs,
    naming,
  } = report
  return {
    exitCode: exitCodeOf(report),
    data: {
      ...{ target, schema, serverVersion, standby, survival, expect, columns, checks, skipped },
      findings: findings.map((found) => toDocument(found, naming)),
      next: next === null ? null : describeSteps(next, naming),
      ...{ summary, durationMs },
    },
    text: (render) => renderReport(report, render),
    verdict: (render) => renderVerdict(report, render),
    checks: {
      properties: { target, schema, expect, serverVersion },
      names: checks,
      skipped,
      findings: findings.map((found) => toResult(found, failOn, naming)),
      verdict: (render) => renderVerdict(report, render),
      durationMs,
    },
  }
}

// What is known to be wrong says more than what is unknown.
const exitCodeOf = ({ ok, findings, failOn, summary }: NamedReport): ExitCode => {
  if (ok) return ExitCode.done
  if (summary.unknown === 0 || findings.some((found) => isFailing(found, failOn))) return ExitCode.no
  // A lock may soon be free; a privilege is granted by somebody.
  const unknown = findings.filter(({ isUnknown }) => isUnknown === true)
  return unknown.every(isDenied) ? ExitCode.unreachable : ExitCode.busy
}

/** Whether a finding is unknown because the role may not see what it is about. */
const isDenied = ({ sqlState }: CheckedFinding): boolean => sqlState === SqlState.insufficientPrivilege

// JSON documents have null for a field that a finding does not have.
export const toDocument = (
  { help, isUnknown = false, ...found }: CheckedFinding,
  naming: TargetNaming | undefined,
) => ({
  ...found,
  isUnknown,
  help: describeSteps(help, naming),
  steps: toStepDocuments(help, naming),
  place: found.place ?? null,
  excerpt: found.excerpt === undefined ? null : excerptLines(found.excerpt),
  diff: found.diff ?? null,
  sqlState: found.sqlState ?? null,
})

export const toResult = (found: CheckedFinding, failOn: Severity, naming: TargetNaming | undefined): CheckResult => {
  const { check, code, severity, object, place } = found
  return {
    ...{ check, code, severity, object, place },
    isFailing: isFailing(found, failOn),
    isUnknown: found.isUnknown === true,
    lines: describeFinding(found, naming),
    brief: describeFinding(found, naming, MOST_DIFF_LINES),
  }
}
