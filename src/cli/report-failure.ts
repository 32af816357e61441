import { OperatorError } from '../errors.js'
import { errorEvent, exitCodeOf, renderError, toErrorDocument } from '../terminal/error-document.js'
import { outputFormat } from '../terminal/formats/index.js'
import { monitoringError, PLUGIN_CODE } from '../terminal/monitoring-line.js'
import { createRender, wantsColour } from '../terminal/render.js'
import { createSafeStream } from '../terminal/safe-stream.js'
import { hasUnicode } from '../terminal/unicode.js'
import { widthOf } from '../terminal/width.js'
import type { ProcessContext } from './context.js'
import { writeCrashReport } from './crash-report.js'
import { createRedact, knownSecrets } from './redact.js'

/** Reports an error that occurred outside of a command. */
export const reportFailure = async (
  error: unknown,
  command: string | undefined,
  context: ProcessContext,
): Promise<number> => {
  const { argv, env, stdout, stderr } = context
  const redact = createRedact(knownSecrets(env, argv))
  const flag = !argv.includes('--no-color')
  const colour = wantsColour({ isTTY: stderr.isTTY, env, flag })
  const format = outputFormat(formatOf(argv))
  const keepsWorkflowCommands = format.name === 'github'
  const report = error instanceof OperatorError ? undefined : await writeCrashReport(error, context, redact)
  const reported = toErrorDocument(error, undefined, report)
  // To a monitoring system the exit code of a usage error would mean CRITICAL.
  const isCheck = command === 'metrics' && argv.includes('--check')
  if (isCheck && format.name !== 'json') {
    createSafeStream(stdout, { colour: false }).write(
      redact(`${monitoringError(reported)}
`),
    )
    return PLUGIN_CODE.unknown
  }
  const document = format.error(command, reported)
  if (document !== '') createSafeStream(stdout, { colour: false, keepsWorkflowCommands }).write(redact(`${document}\n`))
  const isForPrograms = format.stderrIsFor === 'programs'
  const width = stderr.isTTY && !isForPrograms ? () => widthOf(stderr, env) : undefined
  const text = isForPrograms ? `${errorEvent(reported)}\n` : renderError(error, createRender(colour), undefined, report)
  createSafeStream(stderr, { colour, width, unicode: isForPrograms || hasUnicode(env) }).write(redact(text))
  return isCheck ? PLUGIN_CODE.unknown : exitCodeOf(error)
}

// The command line itself may be wrong, so it is read as typed.
const formatOf = (argv: readonly string[]): string | undefined =>
  argv.includes('--json') ? 'json' : /(?:^|\n)--format[=\n](.*)/.exec(argv.join('\n'))?.[1]
