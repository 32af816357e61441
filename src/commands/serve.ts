import { once } from 'node:events'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { parseByteSize } from '../cli/byte-size.js'
import type { CommandContext, Run } from '../cli/command.js'
import { parseWholeNumber, withDatabaseFlags, type DatabaseFlags } from '../cli/flags.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import type { ChatLog } from '../chat-log.js'
import type { ChatServerOptions } from '../server/chat-server.js'
import type { ChatLogOptions } from '../server/log.js'
import type { Recorder } from '../transcripts/recorder.js'

const APPLICATION_NAME = 'chatkeep serve'

const EXAMPLES = `
Examples:
  chatkeep serve                                     for this machine only, on port 3001
  chatkeep serve --port 0 --json                     on a free port, told to a program
  chatkeep serve --journal chat.journal              keeps accepting while the database is away
  chatkeep serve --adapter postgres                  one of several on the same database
  chatkeep serve --host 0.0.0.0 --operator-secret-file operator-secret --cors-origin https://shop.example`

/** A call that still waits for the database then was never acknowledged; its sender will repeat it. */
const STORE_CLOSE_DEADLINE_MS = 2_000

/** With a journal nobody has to wait long for a database that is away. */
const JOURNALLED_DEADLINE_MS = 1_500

/** `chatkeep serve`: the socket server over the core, until SIGINT or SIGTERM. */
export const serveCommand = (run: Run) =>
  withDatabaseFlags(new Command('serve'))
    .summary('run the chat socket server')
    .description(
      'Runs the chat socket server (Socket.IO, path /chat) until SIGINT or SIGTERM.\n' +
        'A message is acknowledged after its commit. Operators present the secret of\n' +
        'CHATKEEP_OPERATOR_SECRET or --operator-secret-file.',
    )
    .option('--host <address>', 'listen on this address (default: 127.0.0.1)', parseHost)
    .option('--port <number>', 'listen on this port; 0 takes a free one (default: 3001)', parseWholeNumber(0, 65_535))
    .option('--operator-secret-file <file>', 'read the operator secret from this file')
    .option(
      '--cors-origin <origin...>',
      'let pages of these web origins connect, e.g. https://shop.example',
      parseOrigin,
    )
    .option('--journal <file>', 'keep messages in this file while the database is away', parseFile)
    .option('--journal-max-bytes <size>', 'most bytes of the journal (default: 256MiB)', parseByteSize)
    .addOption(
      new Option(
        '--adapter <kind>',
        'memory: this server is on its own; postgres: all servers on the database act as one',
      )
        .choices(['memory', 'postgres'] as const)
        .default('memory' as const),
    )
    .option(
      '--events-per-second <number>',
      'take so many events a second from one socket, three times as many at once; 0 = any number (default: 20)',
      parseWholeNumber(0, 1_000_000),
    )
    .option(
      '--max-connections <number>',
      'take so many connections at one time (default: 10000)',
      parseWholeNumber(1, 1_000_000),
    )
    .addOption(
      new Option('--log-level <level>', 'what to write on stderr (default: info)').choices([
        'debug',
        'info',
        'warn',
        'error',
        'silent',
      ] as const),
    )
    .option('--record <file>', 'write a transcript of what is committed; chatkeep replay reads it', parseFile)
    .addHelpText('after', EXAMPLES)
    .action(
      run(async (context, options) => {
        const { readOperatorSecret } = await import('../server/protection/read-operator-secret.js')
        const {
          host,
          port,
          corsOrigin,
          eventsPerSecond,
          maxConnections,
          record,
          logLevel = 'info',
          operatorSecretFile: file,
        } = options
        const operatorSecret = await readOperatorSecret(file && resolve(context.cwd, file), context.environment)
        const journal = options.journal && {
          path: resolve(context.cwd, options.journal),
          maxBytes: options.journalMaxBytes,
        }
        await context.withTarget(options, 'pooled', (target) =>
          withAdapterTarget(context, options, target, (adapterTarget) =>
            serve(
              context,
              target,
              { level: logLevel, recordFile: record && resolve(context.cwd, record) },
              {
                host,
                port,
                corsOrigin,
                operatorSecret,
                eventsPerSecond,
                maxConnections,
                adapter: adapterTarget && { target: adapterTarget },
                ...(journal && { journal }),
              },
            ),
          ),
        )
        return undefined
      }),
    )

interface AdapterFlags extends DatabaseFlags {
  readonly adapter: 'memory' | 'postgres'
}

/** What listens cannot go through a pooler, where the messages can: it goes to the server that DIRECT_URL names. */
const withAdapterTarget = async <T>(
  context: CommandContext,
  flags: AdapterFlags,
  target: ConnectionTarget,
  work: (adapterTarget: ConnectionTarget | undefined) => Promise<T>,
): Promise<T> => {
  if (flags.adapter === 'memory') return work(undefined)
  return flags.embedded === undefined ? context.withTarget(flags, 'direct', work) : work(target)
}

/** What it writes beside the database. */
interface Writing {
  readonly level: ChatLogOptions['level']
  readonly recordFile: string | undefined
}

const serve = async (
  context: CommandContext,
  target: ConnectionTarget,
  { level, recordFile }: Writing,
  options: Omit<ChatServerOptions, 'store' | 'log' | 'recorder'>,
): Promise<void> => {
  const { isDatabaseAway } = await import('../database/connection-error.js')
  const { errorFields } = await import('../server/error-fields.js')
  const { createChatStore } = await import('../persistence/chat-store.js')
  const { startChatServer } = await import('../server/chat-server.js')
  const { checkDatabase } = await import('../server/check-database.js')
  const { within } = await import('../concurrency/within.js')
  const { createChatLog } = await import('../server/log.js')

  // With a journal a server may be started in the middle of an outage; what the database lacks shows when it is back.
  const checked = await unlessEnded(context.signal, checkDatabase(target, APPLICATION_NAME)).catch((error: unknown) => {
    if (options.journal !== undefined && isDatabaseAway(error)) return error
    throw error
  })
  const format = context.json || !context.stderr.isTTY ? 'json' : 'text'
  const log = createChatLog({ level, format, output: context.stderr })
  if (checked instanceof Error) log.warn({ event: 'started_without_database', ...errorFields(checked) }, NO_DATABASE)
  else if (checked.includes('fsync_off')) log.warn({ event: 'fsync_off' }, FSYNC_OFF)
  const recorder = await openRecorder(recordFile, log)
  const deadlineMs = options.journal === undefined ? undefined : JOURNALLED_DEADLINE_MS
  const store = createChatStore({ target }, { applicationName: APPLICATION_NAME, deadlineMs })
  try {
    const server = await startChatServer({ ...options, store, recorder, log })
    if (options.operatorSecret === undefined) log.warn({ event: 'no_operators' }, NO_OPERATORS)
    context.print({ data: { url: server.url }, text: () => `listening on ${server.url}` })
    await ended(context.signal)
    log.info({ event: 'stopping' }, 'stopping: messages under way are finished first; Ctrl-C again leaves at once')
    await server.close()
  } finally {
    await within(STORE_CLOSE_DEADLINE_MS, store.close())
    await recorder?.close()
  }
}

const FSYNC_OFF = 'fsync is off in the database: a crash there can lose what was acknowledged'
const NO_DATABASE = 'the database is away: messages go to the journal, and the database was not checked'
const NO_OPERATORS = 'operators cannot join: set CHATKEEP_OPERATOR_SECRET or --operator-secret-file'

const openRecorder = async (path: string | undefined, log: ChatLog): Promise<Recorder | undefined> => {
  if (path === undefined) return undefined
  const { createRecorder } = await import('../transcripts/recorder.js')
  const onStopped = (text: string): void => log.error({ event: 'recording_stopped', file: path }, text)
  const recorder = await createRecorder({ path, onStopped })
  log.info({ event: 'recording', file: recorder.path }, 'what is committed is recorded')
  return recorder
}

const ended = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort')
}

/** A database that does not answer must not keep a start from being called off. */
const unlessEnded = async <T>(signal: AbortSignal, work: Promise<T>): Promise<T> => {
  const end = ended(signal).then((): never => {
    throw signal.reason
  })
  return Promise.race([work, end])
}

const parseFile = (text: string): string => {
  if (text !== '') return text
  throw new InvalidArgumentError('Write the name of a file.')
}

const parseHost = (text: string): string => {
  // An empty host would listen on every network.
  if (text.trim() !== '') return text
  throw new InvalidArgumentError('Write an address or a host name, such as 127.0.0.1.')
}

const parseOrigin = (text: string, previous: readonly string[] | undefined): readonly string[] => {
  const isOrigin = text === '*' || (URL.canParse(text) && new URL(text).origin === text)
  if (isOrigin) return [...(previous ?? []), text]
  throw new InvalidArgumentError('Write an origin as browsers send it, such as https://shop.example, or * for all.')
}
