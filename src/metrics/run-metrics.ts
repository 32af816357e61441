import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { endBlockers } from '../database/blockers.js'
import { describeWait } from '../database/waiting/describe-wait.js'
import { ExitCode } from '../errors.js'
import { toStepDocuments } from '../next-step.js'
import type { Answer } from '../terminal/answer.js'
import type { Terminal } from '../terminal/terminal.js'
import { readMetrics } from './read-metrics.js'
import { renderMetrics } from './render-metrics.js'

/** The flags of `chatkeep metrics`, in milliseconds. */
export interface MetricsFlags {
  readonly since: number
  readonly statementTimeout: number
}

/** Reads all metrics of the database. */
export const runMetrics = async (
  target: ConnectionTarget,
  flags: MetricsFlags,
  { signal, progress }: Pick<Terminal, 'signal' | 'progress'>,
): Promise<Answer> => {
  const report = await readMetrics(target, {
    windowMs: flags.since,
    statementTimeoutMs: flags.statementTimeout,
    signal,
    onWait: (event) => progress.update(describeWait(event)),
  })
  const name = describeTarget(target)
  const { since, now, windowMs, metrics, blockage } = report
  return {
    exitCode: blockage === undefined ? ExitCode.done : ExitCode.busy,
    data: {
      target: name,
      since: since.toISOString(),
      now: now.toISOString(),
      metrics: metrics.flatMap(({ metric: { name, help, unit, window }, samples }) =>
        samples.map(({ labels, value }) => ({
          ...{ name, labels, value, unit },
          windowMs: window === 'since' ? windowMs : null,
          help,
        })),
      ),
      lock:
        blockage === undefined
          ? null
          : { ...blockage, steps: toStepDocuments(endBlockers(blockage.blockers), target.naming) },
    },
    text: (render) => renderMetrics(name, report, target.naming, render),
  }
}
