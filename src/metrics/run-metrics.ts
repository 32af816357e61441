import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { describeWait } from '../database/waiting/describe-wait.js'
import { ExitCode, OperatorError } from '../errors.js'
import type { Answer } from '../terminal/answer.js'
import type { OutputFormat } from '../terminal/formats/output-format.js'
import type { Terminal } from '../terminal/terminal.js'
import { faceOf } from './faces/index.js'
import { metrics } from './index.js'
import type { Metric } from './metric.js'
import { readMetrics } from './read-metrics.js'
import { checkAnswer, unknownAnswer } from './thresholds/check-answer.js'
import { judge } from './thresholds/judge.js'
import { readThresholds, type ThresholdFlags } from './thresholds/read-thresholds.js'
import type { Threshold } from './thresholds/threshold.js'

/** The flags of `chatkeep metrics`, in milliseconds. */
export interface MetricsFlags extends ThresholdFlags {
  readonly since: number
  readonly statementTimeout: number
  /** The name of a face. */
  readonly format?: string | undefined
  /** Answer as a monitoring plugin. */
  readonly check?: true | undefined
}

type Context = Pick<Terminal, 'cwd' | 'signal' | 'progress'> & { readonly format: OutputFormat }

/** Reads the thresholds, then all metrics of the database that `withTarget` provides. */
export const runMetrics = async (
  flags: MetricsFlags,
  context: Context,
  withTarget: (work: (target: ConnectionTarget) => Promise<Answer>) => Promise<Answer>,
): Promise<Answer> => {
  try {
    refuseTwoAnswers(flags)
    const { thresholds, notes } = readThresholds(flags, context.cwd)
    for (const text of notes) {
      const event = { type: 'note', text }
      context.progress.update({ event, text, kind: 'line', key: text })
    }
    return await withTarget((target) => measure(target, flags, thresholds, context))
  } catch (error) {
    // A monitoring system reads the answer of a check, whatever it is.
    if (flags.check === undefined || context.signal.aborted) throw error
    return unknownAnswer(error)
  }
}

const measure = async (
  target: ConnectionTarget,
  { since, statementTimeout, format: face, check }: MetricsFlags,
  thresholds: readonly Threshold[],
  { signal, progress, format }: Context,
): Promise<Answer> => {
  const report = await readMetrics(target, {
    windowMs: since,
    statementTimeoutMs: statementTimeout,
    signal,
    onWait: (event) => progress.update(describeWait(event)),
  })
  const verdict = judge(report, thresholds)
  const shown = { report, verdict, target: describeTarget(target), naming: target.naming }
  // --json is a face, too.
  const { show } = faceOf(format.name === 'json' ? format.name : face)
  if (check === true) return { ...checkAnswer(report, verdict, thresholds), ...(await faceOf('json').show(shown)) }
  return {
    exitCode: report.blockage === undefined ? ExitCode.done : ExitCode.busy,
    data: {},
    text: () => '',
    ...(await show(shown)),
  }
}

const refuseTwoAnswers = ({ check, format }: MetricsFlags): void => {
  if (check === true && format !== undefined && format !== 'json')
    throw new OperatorError('usage', `--check and --format ${format} exclude each other`)
}

/** Names and titles, for completion. */
export const listMetrics = (): readonly Pick<Metric, 'name' | 'title'>[] => metrics
