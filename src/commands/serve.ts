import { once } from 'node:events'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from '@commander-js/extra-typings'
import type { CommandContext, Run } from '../cli/command.js'
import { parseWholeNumber, withDatabaseFlags } from '../cli/flags.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import type { ChatServerOptions } from '../server/chat-server.js'
import type { Recorder } from '../server/recorder.js'

const APPLICATION_NAME = 'chatkeep serve'

const EXAMPLES = `
Examples:
  chatkeep serve                                     for this machine only, on port 3001
  chatkeep serve --port 0 --json                     on a free port, told to a program
  chatkeep serve --host 0.0.0.0 --operator-secret-file operator-secret --cors-origin https://shop.example`

/** A call that still waits for the database then was never acknowledged; its sender will repeat it. */
const STORE_CLOSE_DEADLINE_MS = 2_000

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
    .option('--record <file>', 'write a transcript of every message that is committed; chatkeep replay reads it')
    .addHelpText('after', EXAMPLES)
    .action(
      run(async (context, options) => {
        const { readOperatorSecret } = await import('../server/read-operator-secret.js')
        const { host, port, corsOrigin, record, operatorSecretFile: file } = options
        const operatorSecret = await readOperatorSecret(file && resolve(context.cwd, file), context.environment)
        await context.withTarget(options, 'pooled', (target) =>
          serve(context, target, { host, port, corsOrigin, operatorSecret }, record),
        )
        return undefined
      }),
    )

const serve = async (
  context: CommandContext,
  target: ConnectionTarget,
  options: Omit<ChatServerOptions, 'store' | 'log'>,
  recordFile: string | undefined,
): Promise<void> => {
  const { createChatStore } = await import('../persistence/chat-store.js')
  const { startChatServer } = await import('../server/chat-server.js')
  const { checkDatabase } = await import('../server/check-database.js')
  const { within } = await import('../server/drain.js')

  await unlessEnded(context.signal, checkDatabase(target, APPLICATION_NAME))
  const recorder = await openRecorder(context, recordFile)
  const store = createChatStore({ target }, { applicationName: APPLICATION_NAME })
  try {
    const server = await startChatServer({ ...options, store, recorder, log: logTo(context) })
    if (options.operatorSecret === undefined) context.stderr.write(NO_OPERATORS)
    context.print({ data: { url: server.url }, text: () => `listening on ${server.url}` })
    await ended(context.signal)
    context.progress.line('stopping: messages under way are finished first; Ctrl-C again leaves at once')
    await server.close()
  } finally {
    await within(STORE_CLOSE_DEADLINE_MS, store.close())
    await recorder?.close()
  }
}

const openRecorder = async (context: CommandContext, file: string | undefined): Promise<Recorder | undefined> => {
  if (file === undefined) return undefined
  const { createRecorder } = await import('../server/recorder.js')
  return createRecorder({ path: resolve(context.cwd, file), onStopped: logTo(context) })
}

const NO_OPERATORS = 'operators cannot join: set CHATKEEP_OPERATOR_SECRET or --operator-secret-file\n'

const logTo =
  ({ stderr }: CommandContext) =>
  (line: string): void =>
    stderr.write(`${new Date().toISOString()} ${line}\n`)

const ended = async (signal: AbortSignal): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort')
}

/** A database that does not answer must not keep a start from being called off. */
const unlessEnded = async (signal: AbortSignal, work: Promise<void>): Promise<void> => {
  await Promise.race([work, ended(signal).then(() => signal.throwIfAborted())])
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
