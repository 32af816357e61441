import type { ProcessContext } from './context.js'
import { createRedact, knownSecrets } from './redact.js'
import { createRender, wantsColour } from '../terminal/render.js'
import { exitCodeOf, renderError, toErrorDocument } from './report-error.js'

/** Reports an error that was met before any command ran. */
export const reportFailure = (
  error: unknown,
  command: string | undefined,
  { argv, env, stdout, stderr }: ProcessContext,
): number => {
  const redact = createRedact(knownSecrets(env, argv))
  const flag = !argv.includes('--no-color')
  const render = createRender(wantsColour({ isTTY: stderr.isTTY, env, flag }))
  if (asksForJson(argv))
    stdout.write(
      redact(`${JSON.stringify({ ok: false, command: command ?? null, error: toErrorDocument(error) }, null, 2)}\n`),
    )
  stderr.write(redact(renderError(error, render)))
  return exitCodeOf(error)
}

// The command line itself may be the mistake, so it is looked at as it was typed.
const asksForJson = (argv: readonly string[]): boolean =>
  argv.includes('--json') || /(^|\n)--format[=\n]json(\n|$)/.test(argv.join('\n'))
