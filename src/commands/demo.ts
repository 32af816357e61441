import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from '@commander-js/extra-typings'
import type { CommandContext, CommandResult, Run } from '../cli/command.js'
import { withOutputFlags } from '../cli/flags.js'
import type { ConnectionTarget } from '../database/connection-target.js'

const DATABASE = 'crm'
const TRANSCRIPT = 'chats.ndjson'

export const demoCommand = (run: Run) =>
  withOutputFlags(new Command('demo'))
    .summary('see all of it on a PostgreSQL of its own, in a minute')
    .description(
      'A tour on an embedded PostgreSQL that is thrown away afterwards. Every command is really run; no other database is touched.',
    )
    .action(
      run((context) =>
        context.withTarget({ embedded: true }, 'direct', async (target): Promise<CommandResult> => {
          const { createDatabaseIfMissing } = await import('../database/create-database.js')
          const folder = await mkdtemp(join(tmpdir(), 'chatkeep-demo-'))
          try {
            await createDatabaseIfMissing(target, DATABASE)
            return await tour(context, { ...target, database: DATABASE }, folder)
          } finally {
            await rm(folder, { recursive: true, force: true })
          }
        }),
      ),
    )

interface ShownStep {
  readonly command: string
  readonly exitCode: number
  readonly durationMs: number
}

const tour = async (context: CommandContext, target: ConnectionTarget, folder: string): Promise<CommandResult> => {
  const startedAt = performance.now()
  const { checksumMessages, createCrm, GUEST_INSERT, tryGuestInsert, writeAsAnotherProgram } =
    await import('../demo/crm.js')
  const { demoTranscript } = await import('../demo/chats.js')
  const { toDatabaseUrl } = await import('../database/connection-target.js')
  const { paint } = context.render
  const url = toDatabaseUrl(target)
  const steps: ShownStep[] = []

  const say = (text: string): void => {
    if (!context.json) context.stdout.write(`${text}\n`)
  }
  const chapter = (text: string): void => say(`\n${paint.bold.cyan(`# ${text}`)}`)
  const answer = { ...context.stdout, write: (text: string) => (context.json ? undefined : context.stdout.write(text)) }

  // Nothing of the outer environment reaches the commands: a DIRECT_URL of somebody's production must not be met here.
  const env = { DATABASE_URL: url, DIRECT_URL: url, TERM: context.env.TERM, NO_COLOR: context.env.NO_COLOR }
  const chatkeep = async (expectedExitCode: number, ...argv: readonly string[]): Promise<void> => {
    const command = `chatkeep ${argv.join(' ')}`
    say(`${paint.dim('$')} ${paint.bold(command)}`)
    const begunAt = performance.now()
    const exitCode = await context.runChatkeep(argv, { stdout: answer, stderr: answer, env, cwd: folder })
    context.signal.throwIfAborted()
    steps.push({ command, exitCode, durationMs: Math.round(performance.now() - begunAt) })
    if (exitCode !== expectedExitCode)
      throw new Error(`${command} ended with ${exitCode} instead of ${expectedExitCode}`)
    if (exitCode !== 0) say(paint.dim(`(exit code ${exitCode})`))
  }

  chapter('A CRM before the update: 2 operators, 40 clients, 3,000 messages. Somebody without an account writes:')
  await createCrm(target)
  say(`${paint.dim('crm=>')} ${paint.bold(`${GUEST_INSERT};`)}`)
  say((await tryGuestInsert(target)) ?? 'the message was stored, which it should not have been')

  chapter('The update, on the live database')
  await chatkeep(0, 'migrate')
  await chatkeep(0, 'verify')

  chapter('Guests write, over the socket, with everything guests are called')
  await writeFile(join(folder, TRANSCRIPT), demoTranscript())
  await chatkeep(0, 'replay', TRANSCRIPT, '--through', 'socket')
  await chatkeep(0, 'metrics')

  chapter('Another program writes past the core: two messages of a guest without client, one of nobody')
  await writeAsAnotherProgram(target)
  await chatkeep(0, 'verify')

  chapter('Back to before: first the price, then the name of the database')
  const before = await checksumMessages(target)
  await chatkeep(5, 'rollback')
  await chatkeep(0, 'rollback', '--confirm', target.database)
  await chatkeep(0, 'verify', '--expect', 'rolled-back')

  chapter('And forth again: everything is back')
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
      `\n${paint.green('ok:')} ${steps.length} commands in ${seconds} s; nothing lost. The database was a throw-away one and is gone now.`,
  }
}
