import { ExitCode } from '../../errors.js'
import { chatkeep, describeSteps, type TargetNaming } from '../../next-step.js'
import type { Answer } from '../../terminal/answer.js'
import { printable } from '../../terminal/printable.js'
import { count, duration, type Render } from '../../terminal/render.js'
import { fitLine } from '../../terminal/wrap.js'
import { findingLines } from '../report/finding-lines.js'
import { toDocument, toResult } from '../report/to-answer.js'
import type { CheckedFinding } from '../verify-report.js'
import type { FenceResult } from './run-guide.js'

/** Guides that were run, and on what. */
export interface GuideReport {
  readonly target: string
  readonly database: string
  readonly schema: string
  readonly serverVersion: string
  readonly naming: TargetNaming | undefined
  /** Paths of the guides, as the user named them. */
  readonly guides: readonly string[]
  readonly fences: readonly FenceResult[]
  readonly durationMs: number
}

/** The report in all output formats. */
export const toGuideAnswer = (report: GuideReport): Answer => {
  const { target, schema, serverVersion, guides, fences, naming, durationMs } = report
  const findings = findingsOf(report)
  const next = nextOf(findings)
  return {
    exitCode: exitCodeOf(fences),
    data: {
      ...{ target, schema, serverVersion, guides },
      fences: fences.map(({ file, fence, state, reason, rows, differences }) => ({
        ...{ file, line: fence.number, section: fence.section, language: fence.language },
        ...{ state, reason: reason ?? null, rows, differences },
      })),
      findings: findings.map((found) => toDocument(found, naming)),
      next: next === undefined ? null : describeSteps(next, naming),
      ...{ summary: summaryOf(fences), durationMs },
    },
    text: (render) => renderGuideReport(report, render),
    verdict: (render) => renderVerdict(report, render),
    checks: {
      properties: { target, schema, serverVersion },
      names: fences.map(nameOf),
      skipped: fences.flatMap((one) => (one.reason === undefined ? [] : [{ check: nameOf(one), reason: one.reason }])),
      findings: findings.map((found) => toResult(found, 'error', naming)),
      verdict: (render) => renderVerdict(report, render),
      durationMs,
    },
  }
}

const nameOf = ({ file, fence }: FenceResult): string => [`${file}:${fence.number}`, fence.section].join(' ').trimEnd()

/** What is wrong first, then what is unknown. */
const findingsOf = ({ fences }: GuideReport): readonly CheckedFinding[] => {
  const all = fences.flatMap((one) => one.findings.map((found) => ({ ...found, check: nameOf(one) })))
  return [...all.filter(({ isUnknown }) => isUnknown !== true), ...all.filter(({ isUnknown }) => isUnknown === true)]
}

const nextOf = (findings: readonly CheckedFinding[]) => findings[0]?.help

/** What is known to be wrong says more than what is unknown; what needs somebody, more than what passes. */
const exitCodeOf = (fences: readonly FenceResult[]): ExitCode =>
  [ExitCode.no, ExitCode.unreachable, ExitCode.busy].find((code) => fences.some(({ exitCode }) => exitCode === code)) ??
  ExitCode.done

const summaryOf = (fences: readonly FenceResult[]) => {
  const number = (wanted: FenceResult['state']): number => fences.filter(({ state }) => state === wanted).length
  return {
    ...{ fences: fences.length, ok: number('ok'), failed: number('failed') },
    ...{ unknown: number('unknown'), notRun: number('not_run') },
  }
}

const renderGuideReport = (report: GuideReport, render: Render): string => {
  const { target, serverVersion, schema, guides, fences, naming } = report
  return [
    printable(`verify  ${target}  PostgreSQL ${serverVersion.replace(/ .*/, '')}  schema ${schema}`),
    '',
    ...guides.flatMap((guide) => [
      render.paint.bold(printable(guide)),
      fenceTable(
        fences.filter(({ file }) => file === guide),
        render,
      ),
      '',
    ]),
    ...findingLines(findingsOf(report), naming, render),
    renderVerdict(report, render),
  ].join('\n')
}

const LONGEST_SECTION = 40

const fenceTable = (fences: readonly FenceResult[], render: Render): string =>
  render.table(
    ['fence', 'result'],
    fences.map((one) => [
      `${String(one.fence.number).padStart(4)} ${printable(fitLine(one.fence.section, LONGEST_SECTION))}`,
      describeResult(one, render),
    ]),
  )

const describeResult = ({ state, reason = '', rows, differences }: FenceResult, { paint }: Render): string => {
  switch (state) {
    case 'ok':
      return `ok, ${count(rows, 'row')}`
    case 'failed':
      return `${paint.red('FAIL')}${differences > 1 ? `, ${differences} differences` : ''}`
    case 'unknown':
      return paint.yellow('unknown')
    case 'not_run':
      return `not run: ${printable(reason)}`
  }
}

/** The result and the next command. */
const renderVerdict = (report: GuideReport, { paint }: Render): string => {
  const { database, guides, fences, naming, durationMs } = report
  const { ok, failed, unknown, notRun } = summaryOf(fences)
  const figures = [
    ...(failed === 0 ? [] : [`${count(failed, 'fence')} failed`]),
    failed === 0 ? `${count(ok, 'fence')} as expected` : `${ok} as expected`,
    ...(unknown === 0 ? [] : [`${unknown} unknown`]),
    ...(notRun === 0 ? [] : [`${notRun} not run`]),
  ].join(', ')
  const names = printable(guides.join(', '))
  const end = `${figures} (${duration(durationMs)})`
  const next = nextOf(findingsOf(report))
  const following = next === undefined ? '' : `. Next: ${printable(describeSteps(next, naming))}`
  if (failed > 0) return `${paint.red('FAIL:')} ${printable(database)} is not as ${names} expects: ${end}${following}`
  if (unknown > 0)
    return `${paint.yellow('unknown:')} ${printable(database)} may be as ${names} expects: ${end}${following}`
  const whole = notRun > ok ? `. The whole update: ${describeSteps(chatkeep('verify'), naming)}` : ''
  return `${paint.green('ok:')} ${printable(database)} is as ${names} expects: ${end}${whole}`
}
