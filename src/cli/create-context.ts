import { describeTarget, forWriting, type ConnectionTarget } from '../database/connection-target.js'
import { OperatorError, withDetail } from '../errors.js'
import type { TargetNaming } from '../next-step.js'
import { packageVersion } from '../package-root.js'
import type { CommandContext, OutputMode, RunProgram } from './command.js'
import type { OutputStream } from '../terminal/output-stream.js'
import { createAsk } from './ask.js'
import { createAskPassword } from './ask-password.js'
import type { ProcessContext } from './context.js'
import type { DatabaseFlags } from './flags.js'
import type { ConnectionKind } from './resolve-target.js'
import { describeSources, readEnvironment, variablesOf } from './environment.js'
import { withHeartbeat } from '../terminal/heartbeat.js'
import { createEventStream, createProgress, createQuietProgress } from '../terminal/progress.js'
import { createRedact, knownSecrets } from './redact.js'
import { createRender, wantsColour, type Render } from '../terminal/render.js'
import { createScreen } from '../terminal/screen.js'
import { createSafeStream } from '../terminal/safe-stream.js'
import { hasUnicode } from '../terminal/unicode.js'
import { heightOf, widthOf } from '../terminal/width.js'

/** Commands that go on for as long as they are wanted, or print all the time. */
const REPORT_THEMSELVES = ['serve', 'status', 'demo']

interface Prepared {
  /** For scripts; redacts secrets, and changes nothing else. */
  readonly scriptOutput: OutputStream
  readonly context: Omit<CommandContext, 'print'>
  readonly redact: (text: string) => string
  /** Ends what runs beside the command. */
  readonly end: () => void
  /** Says something on stderr that only --verbose shows. */
  readonly detail: (text: string) => void
  /** How the run names its database, as soon as that is known. */
  readonly naming: () => TargetNaming | undefined
}

/** Builds the context of a command. From here on all output goes through the two streams that redact secrets. */
export const createContext = (
  mode: OutputMode,
  outer: ProcessContext,
  runProgram: RunProgram,
  envFile: string | undefined,
): Prepared => {
  const sources = readEnvironment(outer, envFile)
  const secrets = [sources.real, sources.file?.variables ?? {}].flatMap((variables) =>
    knownSecrets(variables, outer.argv),
  )
  const publicWords: string[] = []
  const redact = (text: string): string => createRedact(secrets, publicWords)(text)
  const redacting = (stream: OutputStream): OutputStream => ({
    write: (text) => stream.write(redact(text)),
    isTTY: stream.isTTY,
    columns: stream.columns,
    ...(stream.drained === undefined ? {} : { drained: stream.drained }),
  })
  const colourOn = ({ isTTY }: OutputStream): boolean => wantsColour({ isTTY, env: outer.env, flag: mode.colour })
  const unicode = hasUnicode(outer.env)
  const renderFor = (stream: OutputStream): Render =>
    createRender(colourOn(stream), widthOf(stream, outer.env), unicode, heightOf(stream))
  const isForPrograms = mode.format.stderrIsFor === 'programs'
  // In a file or a pipe a sentence stays one line, which grep finds.
  const safe = (stream: OutputStream, isForPeople: boolean, keeps = false): OutputStream => {
    const width = stream.isTTY && isForPeople ? () => widthOf(stream, outer.env) : undefined
    const options = { colour: colourOn(stream), keepsWorkflowCommands: keeps, width, unicode: unicode || !isForPeople }
    return redacting(createSafeStream(stream, options))
  }
  const stdout = safe(outer.stdout, mode.format.name === 'text', mode.format.name === 'github')
  const stderr = safe(outer.stderr, !isForPrograms)

  const askPassword = isForPrograms ? undefined : createAskPassword(outer, (password) => secrets.push(password))
  let naming: TargetNaming | undefined
  const onTarget = (target: ConnectionTarget): void => {
    for (const { host, password } of target.hosts) {
      if (password !== undefined) secrets.push(password)
      publicWords.push(host)
    }
    publicWords.push(target.user, target.database)
    if (naming === undefined) detail(`database: ${describeTarget(target)}`)
    target.warnings.forEach(note)
    naming = target.naming
  }
  const prepare = async (
    target: ConnectionTarget,
    flags: DatabaseFlags,
    kind: ConnectionKind,
  ): Promise<ConnectionTarget> => {
    const { prepareTarget } = await import('./prepare-target.js')
    const run = { argv: outer.argv, sources, kind, signal: outer.signal, askPassword, onTarget }
    return prepareTarget(target, flags, { ...run, staysOnOneServer: !SEVERAL_SERVERS.includes(mode.name) })
  }

  const shownProgress = isForPrograms
    ? createEventStream(stderr)
    : createProgress(stderr, {
        redraws: colourOn(outer.stderr),
        width: () => widthOf(outer.stderr, outer.env),
        unicode,
      })
  const redraws = colourOn(outer.stderr)
  const isLog = !isForPrograms && !redraws && !REPORT_THEMSELVES.includes(mode.name)
  const heartbeat = isLog && mode.verbosity !== 'quiet' ? withHeartbeat(shownProgress, mode.name) : undefined
  const quietProgress = mode.verbosity === 'quiet' ? createQuietProgress(shownProgress) : undefined
  const context: Prepared['context'] = {
    ...outer,
    stdout,
    stderr,
    environment: variablesOf(sources),
    format: mode.format,
    verbosity: mode.verbosity,
    progress: quietProgress ?? heartbeat?.progress ?? shownProgress,
    screen: createScreen({
      terminal: outer.stdout,
      makeSafe: (stream) => safe(stream, true),
      redraws: colourOn(outer.stdout),
      render: () => renderFor(outer.stdout),
    }),
    render: renderFor(outer.stdout),
    progressRender: renderFor(outer.stderr),
    ask: createAsk(outer, stderr, { isForPeople: !isForPrograms, beforeAsking: () => quietProgress?.reveal() }),
    withTarget: async (flags, kind, work) => {
      if (flags.embedded !== undefined) {
        const other = flags.databaseUrl === undefined ? '--dbname' : '--database-url'
        if ((flags.databaseUrl ?? flags.dbname) !== undefined)
          throw new OperatorError('usage', `--embedded and ${other} exclude each other`)
        const { withEmbeddedTarget } = await import('./embedded-target.js')
        return withEmbeddedTarget(flags, outer, async (target) => {
          if (flags.embedded === true && kind === 'pooled') await migrateQuietly(target, outer, runProgram)
          return work(await prepare(target, flags, kind))
        })
      }
      const { resolveTarget } = await import('./resolve-target.js')
      const resolved = resolveTarget(flags, sources, kind)
      const writable = WRITING.includes(mode.name) ? forWriting(resolved, { isOneSystem: true }) : resolved
      const run = (target: ConnectionTarget) =>
        work(target).catch((error: unknown) => {
          throw isAboutSchema(error) ? withDetail(error, `in ${describeTarget(target)}`) : error
        })
      const { waitForDatabase: limitMs } = flags
      if (limitMs === undefined) return run(await prepare(writable, flags, kind))
      const { runThroughOutages } = await import('./run-through-outages.js')
      const { describeOutage } = await import('../database/failover/outage-wait.js')
      const onWait = (reason: string, waitedMs: number): void =>
        context.progress.update(describeOutage(reason, waitedMs, limitMs))
      const wait = { limitMs, signal: outer.signal, onWait }
      return runThroughOutages(wait, {
        ...{ prepare: () => prepare({ ...writable, wait }, flags, kind), work: run, note },
        mayRepeat: REPEATABLE.includes(mode.name) && flags.planHash === undefined,
      })
    },
    runChatkeep: (argv, overrides = {}) =>
      runProgram({ ...outer, runPager: undefined, stdout, stderr, ...overrides, argv }),
  }
  const note = (text: string): void => {
    const event = { type: 'note', text }
    context.progress.update({ event, text, kind: 'line', key: text })
  }
  const detail = (text: string): void => {
    const event = { type: 'detail', text }
    if (mode.verbosity === 'verbose')
      context.progress.update({ event, text: `detail: ${text}`, kind: 'line', key: text })
  }
  detail(`chatkeep ${packageVersion()}, ${outer.platform}`)
  describeSources(sources).forEach(detail)
  sources.notes.forEach(note)
  const script = outer.stdout.isTTY ? createSafeStream(outer.stdout, { colour: false }) : outer.stdout
  return {
    context,
    scriptOutput: redacting(script),
    redact,
    end: () => heartbeat?.stop(),
    detail,
    naming: () => naming,
  }
}

/** serve, replay and status follow a failover; doctor shows what fails. */
const SEVERAL_SERVERS = ['serve', 'replay', 'status', 'doctor']

/** Of several servers, they need the primary. */
const WRITING = ['migrate', 'rollback', 'replay', 'reconcile']

/** They continue what a run before them left; replay, whose input may be a pipe, waits itself. */
const REPEATABLE = ['migrate', 'rollback']

// Most commands that need the tables have printed no header yet.
const isAboutSchema = (error: unknown): error is OperatorError =>
  error instanceof OperatorError && error.code === 'schema_not_ready' && error.details.length === 0

// A temporary database is empty: a command that needs the tables gets them.
const migrateQuietly = async (
  target: ConnectionTarget,
  outer: ProcessContext,
  runProgram: RunProgram,
): Promise<void> => {
  const { toDatabaseUrl } = await import('../database/connection-target.js')
  const schema = target.schema === undefined ? [] : ['--schema', target.schema]
  const argv = ['migrate', '--yes', '--create-tables', '--database-url', toDatabaseUrl(target), ...schema]
  let output = ''
  const quiet: OutputStream = { write: (text) => (output += text), isTTY: false, columns: undefined }
  const exitCode = await runProgram({ ...outer, argv, stdout: quiet, stderr: quiet })
  if (exitCode !== 0)
    throw new OperatorError('embedded_migration_failed', 'the embedded database could not be migrated', {
      details: output.split('\n'),
    })
}
