import type { ConnectionTarget } from '../database/connection-target.js'
import type { CommandContext } from './command.js'
import type { OutputStream, ProcessContext } from './context.js'
import { readEnvironment, type Environment } from './environment.js'
import { createProgress, SILENT } from './progress.js'
import { createRedact } from './redact.js'
import { createRender, wantsColour, type Render } from './render.js'
import type { OutputMode, RunProgram } from './run-command.js'

/** Variables whose values are secrets, or hold one. */
const SECRET_VARIABLES = ['PGPASSWORD', 'CHATKEEP_OPERATOR_SECRET']
const URL_VARIABLES = ['DATABASE_URL', 'DIRECT_URL']

interface Prepared {
  readonly context: Omit<CommandContext, 'print'>
  readonly stdoutRender: Render
  readonly stderrRender: Render
}

/** Builds what a command sees. From here on nothing is written but through the two redacting streams. */
export const createContext = (mode: OutputMode, outer: ProcessContext, runProgram: RunProgram): Prepared => {
  const environment = readEnvironment(outer)
  const secrets = knownSecrets(environment, outer.argv)
  const publicWords: string[] = []
  const redacting = (stream: OutputStream): OutputStream => ({
    write: (text) => stream.write(createRedact(secrets, publicWords)(text)),
    isTTY: stream.isTTY,
    columns: stream.columns,
  })
  const stdout = redacting(outer.stdout)
  const stderr = redacting(outer.stderr)
  const renderFor = ({ isTTY }: OutputStream): Render =>
    createRender(wantsColour({ isTTY, env: outer.env, flag: mode.colour }))

  const useTarget = (target: ConnectionTarget): ConnectionTarget => {
    if (target.password !== undefined) secrets.push(target.password)
    publicWords.push(target.user, target.database, target.host)
    return target
  }

  const context: Prepared['context'] = {
    ...outer,
    stdout,
    stderr,
    environment,
    json: mode.json,
    progress: mode.json ? SILENT : createProgress(stderr),
    render: renderFor(outer.stdout),
    withTarget: async (flags, kind, work) => {
      if (flags.embedded !== undefined) {
        const { withEmbeddedTarget } = await import('./embedded-target.js')
        return withEmbeddedTarget(flags, outer, (target) => work(useTarget(target)))
      }
      const { resolveTarget } = await import('./resolve-target.js')
      return work(useTarget(resolveTarget(flags, environment, kind)))
    },
    runChatkeep: (argv, streams = {}) => runProgram({ ...outer, stdout, stderr, ...streams, argv }),
  }
  return { context, stdoutRender: context.render, stderrRender: renderFor(outer.stderr) }
}

const knownSecrets = (environment: Environment, argv: readonly string[]): string[] => {
  const urls = [...URL_VARIABLES.map((name) => environment[name]), ...argv.flatMap((word) => word.split(/^--[a-z-]+=/))]
  const values = [...SECRET_VARIABLES.map((name) => environment[name]), ...urls.map(passwordOf)]
  return values.filter((value) => value !== undefined && value !== '') as string[]
}

// Deliberately wider than a URL parser: a URL too broken to parse must not show its password either.
const passwordOf = (url: string | undefined): string | undefined => {
  const raw = /^[a-z][a-z0-9+.-]*:\/*[^:/@\s]*:(.*)@/is.exec(url ?? '')?.[1]
  if (raw === undefined) return undefined
  try {
    return decodeURIComponent(raw)
  } catch {
    return raw
  }
}
