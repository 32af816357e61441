import { resolve } from 'node:path'
import { Command, Option } from '@commander-js/extra-typings'
import type { CommandContext, CommandResult, Run } from '../cli/command.js'
import { parseDuration, withDatabaseFlags, type DatabaseFlags } from '../cli/flags.js'
import type { Render } from '../terminal/render.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import type { ChatServerSource } from '../replay/sending/with-chat-server.js'
import type { JournalReplayOptions } from '../replay/journal/replay-journal.js'
import type { ReplayOptions, ReplayReport } from '../replay/replay.js'
import type { Sender } from '../replay/sending/sender.js'
import type { TranscriptInput } from '../transcripts/transcript-input.js'

const DETAILS = `
A transcript is one JSON object a line, plain or gzip:
  {"at":"2026-04-01T09:00:08Z","conversation":"c1","from":"client","username":"maria",
   "phone":null,"operator":null,"text":"Hello"}
"from" is "client" or "operator"; "username" is the guest's, whoever speaks.
A recording of serve --record, a bulk file of Mattermost, and the journal of serve --journal are known
by their first line. What waits in a journal is saved under the keys that it has, so the server may
drain it at the same time, or again.

Every line has an idempotency key made of its content, so a transcript can be replayed again, whole
or after an interruption, and nothing is doubled. Afterwards all is read back from the database: a
message that is lost, doubled or unexpected, and a line that is rejected, make the answer "no" (exit 1).

Examples:
  chatkeep replay chats.ndjson                     through the core, at the times of the transcript
  chatkeep replay chats.ndjson --through socket    as guests and operators would, at a server of its own
  ssh crm cat chats.gz | chatkeep replay -         from somewhere else
  chatkeep replay chat.journal                     what a chat server kept while the database was away
  chatkeep replay yesterday.chatkeep --speed x10   what serve --record wrote, ten times as fast
  chatkeep replay chats.ndjson --check-only        is everything in the database? writes nothing
  chatkeep replay big.gz --resume big.state --rejected big.rejected
  chatkeep replay --scenario guest-flow            a new guest, an existing client, a guest who comes
                                                   back; removes what it wrote`

interface ReplayFlags extends DatabaseFlags {
  readonly through?: 'store' | 'socket' | undefined
  readonly url?: string | undefined
  readonly scenario?: 'guest-flow' | undefined
  readonly keep?: true | undefined
  readonly history?: string | undefined
  readonly checkOnly?: true | undefined
  readonly speed?: string | undefined
  readonly maxGap?: number | undefined
  readonly resume?: string | undefined
  readonly rejected?: string | undefined
  readonly acceptTruncated?: true | undefined
}

export const replayCommand = (run: Run) =>
  withDatabaseFlags(new Command('replay'))
    .summary('send a transcript or a scenario, then prove that every message is there')
    .description('Sends real conversations through the chat and reads every message back from the database.')
    .argument('[file]', 'the transcript; - for standard input')
    .addOption(
      new Option('--through <way>', 'the way into the database (default: store)').choices(['store', 'socket'] as const),
    )
    .option('--url <url>', 'the chat server to use, as chatkeep serve prints it (default: one of its own)')
    .addOption(
      new Option('--scenario <name>', 'play test cases instead of a transcript').choices(['guest-flow'] as const),
    )
    .option(
      '--history <file>',
      'write every operation into a new file, one JSON object a line, as Jepsen checkers read it',
    )
    .option('--check-only', 'compare the transcript with the database; nothing is sent, and nothing is written')
    .option('--speed <speed>', 'max, 200/s, original, or x10 for ten times as fast as it was written (default: max)')
    .option('--max-gap <duration>', 'longest wait for the next message, with original and x10', parseDuration)
    .option('--resume <state>', 'keep in this file how far the run came, and go on from there')
    .option('--rejected <file>', 'write lines that are rejected to this file, as they are')
    .option('--accept-truncated', 'replay what there is of a recording that has no footer')
    .option('--keep', 'leave what the scenario wrote in the database')
    .addHelpText('after', DETAILS)
    .action(
      run(async (context, file, options) => {
        await checkUsage(file, options)
        return context.withTarget(options, 'pooled', (target) =>
          file === undefined ? playScenario(context, target, options) : replayFile(context, target, file, options),
        )
      }),
    )

const missingTranscript = ({ embedded }: DatabaseFlags): string =>
  'name a transcript, or - for standard input, or --scenario guest-flow' +
  (typeof embedded === 'string' ? ` (--embedded took ${embedded} for its folder: put the transcript before it)` : '')

const SENDING_FLAGS = ['speed', 'maxGap', 'resume', 'rejected', 'history', 'url'] as const
const TRANSCRIPT_FLAGS = ['checkOnly', 'speed', 'maxGap', 'resume', 'rejected', 'acceptTruncated', 'history'] as const

const checkUsage = async (file: string | undefined, flags: ReplayFlags): Promise<void> => {
  const throughSocket = flags.scenario !== undefined || flags.through === 'socket'
  const mistakes = [
    ...(file === undefined && flags.scenario === undefined ? [missingTranscript(flags)] : []),
    ...(file !== undefined && flags.scenario !== undefined ? ['a transcript and --scenario exclude each other'] : []),
    ...(flags.scenario !== undefined && flags.through === 'store' ? ['a scenario always goes through the socket'] : []),
    ...(flags.url !== undefined && !throughSocket ? ['--url needs --through socket'] : []),
    ...(flags.scenario !== undefined && TRANSCRIPT_FLAGS.some((name) => flags[name] !== undefined)
      ? ['a scenario takes none of the flags of transcripts']
      : []),
    ...(flags.checkOnly === true && SENDING_FLAGS.some((name) => flags[name] !== undefined)
      ? ['--check-only sends nothing: it takes no --speed, --max-gap, --resume, --rejected, --history and --url']
      : []),
    ...(flags.maxGap !== undefined && !/^(original|x.*)$/.test(flags.speed ?? '')
      ? ['--max-gap needs --speed original or a multiple such as x10']
      : []),
    ...(flags.keep === true && flags.scenario === undefined ? ['--keep is for --scenario'] : []),
  ]
  const [first, ...others] = mistakes
  if (first === undefined) return
  const { OperatorError } = await import('../errors.js')
  throw new OperatorError('usage', first, { details: others, hint: 'chatkeep replay --help' })
}

const chatServerSource = (
  context: CommandContext,
  target: ConnectionTarget,
  { url }: ReplayFlags,
): ChatServerSource => ({
  url,
  operatorSecret: context.environment.CHATKEEP_OPERATOR_SECRET,
  target,
  signal: context.signal,
  onLog: context.progress.line,
})

const replayFile = async (
  context: CommandContext,
  target: ConnectionTarget,
  path: string,
  flags: ReplayFlags,
): Promise<CommandResult> => {
  const { withTranscript } = await import('../transcripts/transcript-input.js')
  const { describeTarget } = await import('../database/connection-target.js')
  const { progress, cwd, stdin, signal } = context
  const words = await import('../terminal/render.js')
  const way = flags.checkOnly === true ? 'comparing' : 'replaying'
  const preposition = flags.checkOnly === true ? 'with' : 'into'
  const through = flags.through ?? 'store'
  const name = path === '-' ? 'stdin' : path
  progress.line(words.printable(`${way} ${name} ${preposition} ${describeTarget(target)}, through the ${through}`))
  if (path === '-' && stdin.isTTY) progress.line('type or paste the transcript; end it with Ctrl-D')

  const onProgress: ReplayOptions['onProgress'] = (phase, lines, perSecond, behindMs = 0) => {
    const behind = behindMs < LEAST_SHOWN_DELAY_MS ? '' : `, ${words.duration(behindMs)} behind schedule`
    progress.status(`${phase}: ${words.count(lines, 'line')}, ${words.count(Math.round(perSecond), 'line')}/s${behind}`)
  }
  return withTranscript({ path, cwd, stdin: stdin.stream, signal }, async (input) => {
    const { isJournal } = await import('../replay/journal/replay-journal.js')
    return (await isJournal(resolve(cwd, path)))
      ? replayJournalFile(input, flags, { target, signal, onProgress })
      : replayTranscriptFile(context, target, input, flags, onProgress)
  })
}

const LEAST_SHOWN_DELAY_MS = 100

const replayJournalFile = async (
  input: TranscriptInput,
  flags: ReplayFlags,
  options: JournalReplayOptions,
): Promise<CommandResult> => {
  const { isJournalClean, refuseForJournals, replayJournal } = await import('../replay/journal/replay-journal.js')
  const { journalData, renderJournalReport } = await import('../replay/journal/report.js')
  refuseForJournals(flags)
  const report = await replayJournal(input, options)
  return {
    exitCode: isJournalClean(report) ? 0 : 1,
    data: { transcript: input.name, ...journalData(report) },
    text: () => renderJournalReport(report),
  }
}

const replayTranscriptFile = async (
  context: CommandContext,
  target: ConnectionTarget,
  input: TranscriptInput,
  flags: ReplayFlags,
  onProgress: ReplayOptions['onProgress'],
): Promise<CommandResult> => {
  const { replayTranscript } = await import('../replay/replay-transcript.js')
  const { dataOfFacts, describeFacts } = await import('../replay/run-facts.js')
  const { describeTarget } = await import('../database/connection-target.js')
  const { printable } = await import('../terminal/render.js')
  const through = flags.through ?? 'store'
  const absolute = (path: string | undefined): string | undefined => path && resolve(context.cwd, path)
  const { transcript, report } = await replayTranscript(input, {
    target,
    through,
    withSender: (work) => withSender(context, target, flags, work),
    checkOnly: flags.checkOnly === true,
    acceptTruncated: flags.acceptTruncated === true,
    speed: flags.speed ?? 'max',
    maxGapMs: flags.maxGap ?? Infinity,
    historyFile: absolute(flags.history),
    stateFile: absolute(flags.resume),
    rejectedFile: absolute(flags.rejected),
    signal: context.signal,
    onProgress,
  })
  const about = { ...flags, ...transcript }
  const facts = describeFacts(report, about).map(printable)
  const request = { transcript: input.name, through, url: flags.url, target: describeTarget(target) }
  const result = await toResult(report, request)
  return {
    ...result,
    data: { ...result.data, ...dataOfFacts(report, about) },
    text: (render) => [...facts, result.text(render)].join('\n'),
  }
}

const withSender = async <T>(
  context: CommandContext,
  target: ConnectionTarget,
  flags: ReplayFlags,
  work: (sender: Sender) => Promise<T>,
): Promise<T> => {
  if (flags.through === 'socket') {
    const { withSocketSender } = await import('../replay/sending/socket-sender.js')
    return withSocketSender(chatServerSource(context, target, flags), work)
  }
  const { withStoreSender } = await import('../replay/sending/store-sender.js')
  return withStoreSender(target, work)
}

const playScenario = async (
  context: CommandContext,
  target: ConnectionTarget,
  flags: ReplayFlags,
): Promise<CommandResult> => {
  const { runGuestFlow, isGuestFlowClean } = await import('../replay/guest-flow/guest-flow.js')
  const { renderRemoval } = await import('../replay/guest-flow/removal.js')
  const { describeTarget } = await import('../database/connection-target.js')
  const { printable } = await import('../terminal/render.js')
  const { renderCases } = await import('../cli/render-cases.js')
  context.progress.line(printable(`playing guest-flow over the socket into ${describeTarget(target)}`))
  const report = await runGuestFlow({ ...chatServerSource(context, target, flags), keep: flags.keep === true })
  const { cases, usernames, removal } = report
  const ok = isGuestFlowClean(report)
  return {
    exitCode: ok ? 0 : 1,
    data: { scenario: 'guest-flow', target: describeTarget(target), url: flags.url ?? null, cases, usernames, removal },
    text: ({ paint }) =>
      [
        ...renderCases(cases, paint),
        ...(ok || flags.url === undefined ? [] : ['', sameDatabaseHint(flags.url, describeTarget(target))]),
        '',
        `${verdictWord(ok, paint)} ${cases.filter((one) => one.ok).length} of ${cases.length} cases passed; ${printable(renderRemoval(removal, report))}`,
      ].join('\n'),
  }
}

/** What was asked for, as the report names it. */
interface Request {
  readonly transcript: string
  readonly through: 'store' | 'socket'
  readonly url: string | undefined
  readonly target: string
}

const toResult = async (report: ReplayReport, request: Request): Promise<CommandResult> => {
  const { count, duration, printable } = await import('../terminal/render.js')
  const { renderCounts, renderSections } = await import('../cli/render-findings.js')
  const { countsOf, nextAfter, reportData, sectionsOf, verdictOf } = await import('../replay/describe-report.js')
  const { verdict, lost, withoutClient, sendMs, messagesPerSecond, readBackMs } = report
  const ok = verdict === 'passed'
  const next = nextAfter(report, request.transcript)
  return {
    exitCode: ok ? 0 : 1,
    data: { ...request, url: request.url ?? null, ...reportData(report) },
    text: (render) =>
      [
        ...renderCounts(countsOf(report), render),
        ...(sendMs === 0
          ? []
          : [
              `sent in ${duration(sendMs)} (${count(Math.round(messagesPerSecond), 'message')}/s), read back in ${duration(readBackMs)}`,
            ]),
        ...renderSections(sectionsOf(report)),
        ...(next === undefined ? [] : ['', printable(next)]),
        ...(lost.count > 0 && request.url !== undefined ? ['', sameDatabaseHint(request.url, request.target)] : []),
        ...(withoutClient === 0
          ? []
          : [
              '',
              `${count(withoutClient, 'message')} kept without client; chatkeep reconcile links what can be linked`,
            ]),
        '',
        `${verdictWord(ok, render.paint)} ${verdictOf(report)}`,
      ].join('\n'),
  }
}

const sameDatabaseHint = (url: string, target: string): string =>
  `hint: check that the chat server at ${url} writes to this database, ${target}`

const verdictWord = (ok: boolean, paint: Render['paint']): string => (ok ? paint.green('ok:') : paint.red('FAIL:'))
