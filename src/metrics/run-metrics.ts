import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { describeWait } from '../database/waiting/describe-wait.js'
import { ExitCode, OperatorError } from '../errors.js'
import type { Answer } from '../terminal/answer.js'
import type { OutputFormat } from '../terminal/formats/output-format.js'
import type { Terminal } from '../terminal/terminal.js'
import { faceOf } from './faces/index.js'
import { metrics } from './index.js'
import type { Metric } from './metric.js'
import { metricsNamed } from './named-metrics.js'
import { readMetrics } from './read-metrics.js'
import { checkAnswer, unknownAnswer } from './thresholds/check-answer.js'
import { judge } from './thresholds/judge.js'
import { readThresholds, type ThresholdFlags } from './thresholds/read-thresholds.js'
import type { Threshold } from './thresholds/threshold.js'
import type { Moment } from './window.js'

/** The flags of `chatkeep metrics`; durations in milliseconds. */
export interface MetricsFlags extends ThresholdFlags {
  readonly since: Moment
  readonly until?: Moment | undefined
  readonly bucket?: number | undefined
  readonly compare?: number | undefined
  /** In bytes. */
  readonly disk?: number | undefined
  readonly statementTimeout: number
  /** The name of a face. */
  readonly format?: string | undefined
  /** Answer as a monitoring plugin. */
  readonly check?: true | undefined
  /** A file for the HTML page, or `-`. */
  readonly html?: string | undefined
}

type Context = Pick<Terminal, 'cwd' | 'signal' | 'progress'> & { readonly format: OutputFormat }

/**
 * Reads the thresholds, then metrics of the database that `withTarget` provides.
 * @param names of the metrics; all when empty
 */
export const runMetrics = async (
  names: readonly string[],
  flags: MetricsFlags,
  context: Context,
  withTarget: (work: (target: ConnectionTarget) => Promise<Answer>) => Promise<Answer>,
): Promise<Answer> => {
  try {
    refuseTwoAnswers(flags, context.format)
    const wanted = metricsNamed(names)
    const { thresholds, notes } = readThresholds(flags, context.cwd)
    for (const text of notes) {
      const event = { type: 'note', text }
      context.progress.update({ event, text, kind: 'line', key: text })
    }
    return await withTarget((target) => measure(target, flags, { wanted, thresholds }, context))
  } catch (error) {
    // A monitoring system reads the answer of a check, whatever it is.
    if (flags.check === undefined || context.signal.aborted) throw error
    return unknownAnswer(error)
  }
}

const measure = async (
  target: ConnectionTarget,
  flags: MetricsFlags,
  { wanted, thresholds }: { readonly wanted: readonly Metric[]; readonly thresholds: readonly Threshold[] },
  { cwd, signal, progress, format }: Context,
): Promise<Answer> => {
  // A chart needs points; a table has room for them, but costs more to read.
  const isCharted = flags.html !== undefined || (wanted.length === 1 && flags.check === undefined)
  const report = await readMetrics(target, {
    since: flags.since,
    until: flags.until,
    bucketMs: flags.bucket ?? (isCharted ? 'auto' : undefined),
    compareMs: flags.compare,
    diskBytes: flags.disk,
    metrics: wanted,
    statementTimeoutMs: flags.statementTimeout,
    signal,
    onWait: (event) => progress.update(describeWait(event)),
  })
  const verdict = judge(report, thresholds)
  const shown = { report, verdict, target: describeTarget(target), naming: target.naming }
  // --json is a face, too.
  const { show } = faceOf(format.name === 'json' ? format.name : flags.format)
  const answer: Answer =
    flags.check === true
      ? { ...checkAnswer(report, verdict, thresholds), ...(await faceOf('json').show(shown)) }
      : {
          exitCode: report.blockage === undefined ? ExitCode.done : ExitCode.busy,
          data: {},
          text: () => '',
          ...(await show(shown)),
        }
  if (flags.html === undefined) return answer
  const { withPage } = await import('./faces/html/html-answer.js')
  return withPage(flags.html, shown, answer, { cwd, progress })
}

const refuseTwoAnswers = ({ check, format, html }: MetricsFlags, output: OutputFormat): void => {
  const flags = [
    ...(check === true ? ['--check'] : []),
    ...(html === '-' ? ['--html -'] : []),
    ...(format === undefined || format === 'json' ? [] : [`--format ${format}`]),
    // A check has a JSON document, too; the page on stdout has none.
    ...(html === '-' && output.name === 'json' ? ['--json'] : []),
  ]
  if (flags.length > 1) throw new OperatorError('usage', `${flags[0]} and ${flags[1]} exclude each other`)
}

/** Names and titles, for completion. */
export const listMetrics = (): readonly Pick<Metric, 'name' | 'title'>[] => metrics
