import { runChatkeep, type Run } from '../chatkeep.js'
import { SHOP } from '../transcript.js'

/** How a cause reaches a database. */
export interface Access {
  readonly url: string
  readonly env?: Readonly<Record<string, string>>
}

export const COMMANDS = [
  'verify',
  'doctor',
  'metrics',
  'reconcile',
  'replay',
  'serve',
  'migrate --dry-run',
  'migrate',
  'rollback --dry-run',
  'rollback',
  'retain',
  'erase',
  'export',
] as const

export type Command = (typeof COMMANDS)[number]

/** Runs a command to its end; a server that listens is stopped. */
export const runCommand = (command: Command, { url, env }: Access, more: readonly string[] = []): Promise<Run> => {
  const end = new AbortController()
  const argv = [...command.split(' '), ...argumentsOf(command, new URL(url)), ...more, '--database-url', url]
  return runChatkeep(argv, {
    ...(env === undefined ? {} : { env }),
    signal: end.signal,
    onStdout: (text) => {
      if (command === 'serve' && text.includes('http://')) end.abort()
    },
  })
}

const argumentsOf = (command: Command, { pathname }: URL): readonly string[] => {
  switch (command) {
    case 'migrate':
      return ['--yes', '--max-wait', '500ms']
    case 'rollback':
      return ['--confirm', decodeURIComponent(pathname.slice(1)), '--max-wait', '500ms']
    case 'migrate --dry-run':
    case 'rollback --dry-run':
    case 'reconcile':
      return ['--max-wait', '500ms']
    case 'replay':
      return [SHOP]
    case 'retain':
      return ['--older-than', '2020-01-01', '--confirm', decodeURIComponent(pathname.slice(1)), '--max-wait', '500ms']
    case 'erase':
      return ['--username', 'nobody', '--confirm', decodeURIComponent(pathname.slice(1)), '--max-wait', '500ms']
    case 'export':
      return ['--client-id', '1', '--username', 'a guest', '--max-wait', '500ms']
    case 'serve':
      return ['--port', '0']
    default:
      return []
  }
}
