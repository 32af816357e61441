import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toDatabaseUrl, type ConnectionTarget } from '../database/connection-target.js'
import { createDatabaseIfMissing } from '../database/create-database.js'
import type { Answer } from '../terminal/answer.js'
import type { OutputStream } from '../terminal/output-stream.js'
import type { Terminal } from '../terminal/terminal.js'
import { demoTranscript } from './chats.js'
import { checksumMessages, createCrm, GUEST_INSERT, tryGuestInsert, writeAsAnotherProgram } from './crm.js'

/** What the tour needs from the command line. */
export interface DemoContext extends Pick<Terminal, 'signal' | 'render'> {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the tour is shown. */
  readonly output: OutputStream
  /** Runs a subcommand as if it had been typed. @returns its exit code */
  readonly runChatkeep: (
    argv: readonly string[],
    context: {
      readonly stdout: OutputStream
      readonly stderr: OutputStream
      readonly env: DemoContext['env']
      readonly cwd: string
    },
  ) => Promise<number>
}

const DATABASE = 'crm'
const TRANSCRIPT = 'chats.ndjson'

/** Shows all commands on a new database of this server. */
export const runDemo = async (target: ConnectionTarget, context: DemoContext): Promise<Answer> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-demo-'))
  try {
    await createDatabaseIfMissing(target, DATABASE)
    return await tour(context, { ...target, database: DATABASE }, folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const tour = async (context: DemoContext, target: ConnectionTarget, folder: string): Promise<Answer> => {
  const startedAt = performance.now()
  const { paint } = context.render
  const say = (text: string): void => context.output.write(`${text}\n`)
  const chapter = (text: string): void => say(`\n${paint.bold.cyan(`# ${text}`)}`)
  const { steps, chatkeep } = createRunner(context, target, folder)

  chapter('A CRM before the update: 2 operators, 40 clients, 3,000 messages. A visitor without an account writes:')
  await createCrm(target)
  say(`${paint.dim('crm=>')} ${paint.bold(`${GUEST_INSERT};`)}`)
  say((await tryGuestInsert(target)) ?? 'the message was stored, which it should not have been')

  chapter('The update, on the live database')
  await chatkeep(0, 'migrate')
  await chatkeep(0, 'verify')

  chapter('Guests write over the socket, under every kind of name')
  await writeFile(join(folder, TRANSCRIPT), demoTranscript())
  await chatkeep(0, 'replay', TRANSCRIPT, '--through', 'socket')
  await chatkeep(0, 'metrics')

  chapter(
    'Another program writes directly into the table: two messages of an unlinked guest, one without client or guest',
  )
  await writeAsAnotherProgram(target)
  await chatkeep(0, 'verify')

  chapter('Back to the old schema: first the price, then the confirmation')
  const before = await checksumMessages(target)
  await chatkeep(5, 'rollback')
  await chatkeep(0, 'rollback', '--confirm', target.database)
  await chatkeep(0, 'verify', '--expect', 'rolled-back')

  chapter('Forward again: everything is back')
  await chatkeep(0, 'migrate')
  const after = await checksumMessages(target)
  say(`messages before the rollback: ${before.messages.toLocaleString('en-US')}, md5 ${before.md5}`)
  say(`messages now:                 ${after.messages.toLocaleString('en-US')}, md5 ${after.md5}`)
  const same = before.md5 === after.md5 && before.messages === after.messages
  if (!same) throw new Error('the messages are not what they were before the rollback')

  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  return {
    data: { steps, messages: after.messages, md5: after.md5 },
    text: () =>
      `\n${paint.green('ok:')} ${steps.length} commands in ${seconds} s; nothing lost. The temporary database is deleted.`,
  }
}

interface ShownStep {
  readonly command: string
  readonly exitCode: number
  readonly durationMs: number
}

interface Runner {
  /** The commands that ran so far. */
  readonly steps: readonly ShownStep[]
  /** Shows a command and runs it. @throws Error if the exit code is not the expected one */
  readonly chatkeep: (expectedExitCode: number, ...argv: readonly string[]) => Promise<void>
}

const createRunner = (context: DemoContext, target: ConnectionTarget, folder: string): Runner => {
  const { output, signal } = context
  const { paint } = context.render
  const url = toDatabaseUrl(target)
  // Without the outer environment, which may name a production database.
  const { TERM, NO_COLOR, COLUMNS } = context.env
  const env = { DATABASE_URL: url, DIRECT_URL: url, TERM, NO_COLOR, COLUMNS }
  const steps: ShownStep[] = []
  return {
    steps,
    chatkeep: async (expectedExitCode, ...argv) => {
      const command = `chatkeep ${argv.join(' ')}`
      output.write(`${paint.dim('$')} ${paint.bold(command)}\n`)
      const startedAt = performance.now()
      const exitCode = await context.runChatkeep(argv, { stdout: output, stderr: output, env, cwd: folder })
      signal.throwIfAborted()
      steps.push({ command, exitCode, durationMs: Math.round(performance.now() - startedAt) })
      if (exitCode !== expectedExitCode)
        throw new Error(`${command} ended with ${exitCode} instead of ${expectedExitCode}`)
      if (exitCode !== 0) output.write(`${paint.dim(`(exit code ${exitCode})`)}\n`)
    },
  }
}
