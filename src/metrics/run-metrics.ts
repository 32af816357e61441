import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
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
  { signal }: Pick<Terminal, 'signal'>,
): Promise<Answer> => {
  const report = await readMetrics(target, {
    windowMs: flags.since,
    statementTimeoutMs: flags.statementTimeout,
    signal,
  })
  const name = describeTarget(target)
  const { since, now, metrics } = report
  return {
    data: {
      target: name,
      since: since.toISOString(),
      now: now.toISOString(),
      metrics: metrics.map(({ name, labels, value, windowMs, help }) => ({ name, labels, value, windowMs, help })),
    },
    text: (render) => renderMetrics(name, report, render),
  }
}
