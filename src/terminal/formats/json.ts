import { ExitCode } from '../../errors.js'
import type { OutputFormat } from './output-format.js'

/** One JSON document. */
export const jsonFormat: OutputFormat = {
  name: 'json',
  stderrIsFor: 'programs',
  answer: (command, { exitCode = ExitCode.done, data }) =>
    stringify({ ok: exitCode === ExitCode.done, command, ...data }),
  error: (command, error) => stringify({ ok: false, command: command ?? null, error }),
}

// JSON has no bigint.
const stringify = (document: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(document, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2)
