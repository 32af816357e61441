import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { printable } from '../terminal/printable.js'
import type { Terminal } from '../terminal/terminal.js'
import type { MigrationCommand } from './ledger/runs.js'
import type { MigrationOptions } from './session.js'

interface FirstLine {
  /** The same, but a wait is reported below the first line. */
  readonly options: MigrationOptions
  /** Prints the line, unless a wait has done so; the server's version is known only after it answered. */
  readonly print: (serverVersion?: string) => void
}

/** The line that says which database is meant, above everything else. */
export const withFirstLine = (
  command: MigrationCommand,
  target: ConnectionTarget,
  options: MigrationOptions,
  { progress }: Pick<Terminal, 'progress'>,
): FirstLine => {
  let isPrinted = false
  const print = (serverVersion?: string): void => {
    if (!isPrinted) progress.line(firstLine(command, target, options, serverVersion))
    isPrinted = true
  }
  const onEvent: MigrationOptions['onEvent'] = (event) => {
    print()
    options.onEvent(event)
  }
  return { options: { ...options, onEvent }, print }
}

export const firstLine = (
  command: MigrationCommand | 'history',
  target: ConnectionTarget,
  { schema }: Pick<MigrationOptions, 'schema'>,
  serverVersion?: string,
): string => {
  const server = serverVersion === undefined ? '' : `  PostgreSQL ${serverVersion}`
  return `${command}  ${describeTarget(target)}${server}  schema ${printable(schema)}`
}
