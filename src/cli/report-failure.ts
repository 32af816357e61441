import { exitCodeOf, renderError, toErrorDocument } from '../terminal/error-document.js'
import { outputFormat } from '../terminal/formats/index.js'
import { createRender, wantsColour } from '../terminal/render.js'
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
  const render = createRender(wantsColour({ isTTY: stderr.isTTY, env, flag }))
  const document = outputFormat(formatOf(argv)).error(command, toErrorDocument(error))
  if (document !== '') stdout.write(redact(`${document}\n`))
  stderr.write(redact(renderError(error, render)))
  return exitCodeOf(error)
}

// The command line itself may be wrong, so it is read as typed.
const formatOf = (argv: readonly string[]): string | undefined =>
  argv.includes('--json') ? 'json' : /(?:^|\n)--format[=\n](.*)/.exec(argv.join('\n'))?.[1]
