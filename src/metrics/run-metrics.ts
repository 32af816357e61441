import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { describeWait } from '../database/waiting/describe-wait.js'
import { ExitCode } from '../errors.js'
import type { Answer } from '../terminal/answer.js'
import type { OutputFormat } from '../terminal/formats/output-format.js'
import type { Terminal } from '../terminal/terminal.js'
import { faceOf } from './faces/index.js'
import { readMetrics } from './read-metrics.js'

/** The flags of `chatkeep metrics`, in milliseconds. */
export interface MetricsFlags {
  readonly since: number
  readonly statementTimeout: number
  /** The name of a face. */
  readonly format?: string | undefined
}

/** Reads all metrics of the database. */
export const runMetrics = async (
  target: ConnectionTarget,
  flags: MetricsFlags,
  { signal, progress, format }: Pick<Terminal, 'signal' | 'progress'> & { readonly format: OutputFormat },
): Promise<Answer> => {
  const report = await readMetrics(target, {
    windowMs: flags.since,
    statementTimeoutMs: flags.statementTimeout,
    signal,
    onWait: (event) => progress.update(describeWait(event)),
  })
  // --json is a face, too.
  const face = faceOf(format.name === 'json' ? format.name : flags.format)
  return {
    exitCode: report.blockage === undefined ? ExitCode.done : ExitCode.busy,
    data: {},
    text: () => '',
    ...(await face.show({ report, target: describeTarget(target), naming: target.naming })),
  }
}
