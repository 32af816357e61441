import { errorEvent, exitCodeOf, renderError, toErrorDocument } from '../terminal/error-document.js'
import { outputFormat } from '../terminal/formats/index.js'
import { monitoringError, PLUGIN_CODE } from '../terminal/monitoring-line.js'
import { createRender, wantsColour } from '../terminal/render.js'
import { createSafeStream } from '../terminal/safe-stream.js'
import { hasUnicode } from '../terminal/unicode.js'
import { widthOf } from '../terminal/width.js'
import type { ProcessContext } from './context.js'
import { createRedact, knownSecrets } from './redact.js'

/** Reports an error that occurred before any command ran. */
export const reportFailure = (
  error: unknown,
  command: string | undefined,
  { argv, env, stdout, stderr }: ProcessContext,
): number => {
  const redact = createRedact(knownSecrets(env, argv))
  const flag = !argv.includes('--no-color')
  const colour = wantsColour({ isTTY: stderr.isTTY, env, flag })
  const format = outputFormat(formatOf(argv))
  const keepsWorkflowCommands = format.name === 'github'
  const reported = toErrorDocument(error)
  // To a monitoring system the exit code of a usage error would mean CRITICAL.
  const isCheck = command === 'metrics' && argv.includes('--check')
  if (isCheck && format.name !== 'json') {
    createSafeStream(stdout, { colour: false }).write(redact(`${monitoringError(reported)}\n`))
    return PLUGIN_CODE.unknown
  }
  const document = format.error(command, reported)
  if (document !== '') createSafeStream(stdout, { colour: false, keepsWorkflowCommands }).write(redact(`${document}\n`))
  const isForPrograms = format.stderrIsFor === 'programs'
  const width = stderr.isTTY && !isForPrograms ? () => widthOf(stderr, env) : undefined
  const text = isForPrograms ? `${errorEvent(reported)}\n` : renderError(error, createRender(colour))
  createSafeStream(stderr, { colour, width, unicode: isForPrograms || hasUnicode(env) }).write(redact(text))
  return isCheck ? PLUGIN_CODE.unknown : exitCodeOf(error)
}

// The command line itself may be wrong, so it is read as typed.
const formatOf = (argv: readonly string[]): string | undefined =>
  argv.includes('--json') ? 'json' : /(?:^|\n)--format[=\n](.*)/.exec(argv.join('\n'))?.[1]
