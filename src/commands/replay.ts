import { resolve } from 'node:path'
import { Command, Option } from '@commander-js/extra-typings'
import type { CommandContext, CommandResult, Run } from '../cli/command.js'
import { parseDuration, withDatabaseFlags, type DatabaseFlags } from '../cli/flags.js'
import type { Render } from '../cli/render.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import type { ChatServerSource } from '../replay/chat-server.js'
import type { Findings } from '../replay/findings.js'
import type { Pacer } from '../replay/pacing.js'
import type { ReplayOptions, ReplayReport } from '../replay/replay.js'
import type { FactsAbout } from '../replay/run-facts.js'
import type { Sender } from '../replay/sender.js'

const DETAILS = `
A transcript is one JSON object a line, plain or gzip:
  {"at":"2026-04-01T09:00:08Z","conversation":"c1","from":"client","username":"maria",
   "phone":null,"operator":null,"text":"Hello"}
"from" is "client" or "operator"; "username" is the guest's, whoever speaks.
A recording of serve --record, and a bulk file of Mattermost, are known by their first line.

Every line has an idempotency key made of its content, so a transcript can be replayed again, whole
or after an interruption, and nothing is doubled. Afterwards all is read back from the database: a
message that is lost, doubled or unexpected, and a line that is rejected, make the answer "no" (exit 1).

Examples:
  chatkeep replay chats.ndjson                     through the core, at the times of the transcript
  chatkeep replay chats.ndjson --through socket    as guests and operators would, at a server of its own
  ssh crm cat chats.gz | chatkeep replay -         from somewhere else
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

const SENDING_FLAGS = ['speed', 'maxGap', 'resume', 'rejected', 'url'] as const
const TRANSCRIPT_FLAGS = ['checkOnly', 'speed', 'maxGap', 'resume', 'rejected', 'acceptTruncated'] as const

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
      ? ['--check-only sends nothing: it takes no --speed, --max-gap, --resume, --rejected and --url']
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
  const { withTranscript } = await import('../replay/transcript-input.js')
  const { replay } = await import('../replay/replay.js')
  const { describeTarget } = await import('../database/connection-target.js')
  const { progress, cwd, stdin, signal } = context
  const words = await import('../cli/render.js')
  const through = flags.through ?? 'store'
  const header = `replaying ${path === '-' ? 'stdin' : path} into ${describeTarget(target)}, through the ${through}`
  progress.line(words.printable(header))
  if (path === '-' && stdin.isTTY) progress.line('type or paste the transcript; end it with Ctrl-D')

  const onProgress: ReplayOptions['onProgress'] = (phase, lines, perSecond, behindMs = 0) => {
    const behind = behindMs < LEAST_SHOWN_DELAY_MS ? '' : `, ${words.duration(behindMs)} behind schedule`
    progress.status(`${phase}: ${words.count(lines, 'line')}, ${words.count(Math.round(perSecond), 'line')}/s${behind}`)
  }
  const pacer = await pacerOf(flags, signal)
  return withTranscript({ path, cwd, stdin: stdin.stream, signal }, async (input) => {
    const { inspectTranscript } = await import('../replay/inspect-transcript.js')
    const inspected = await inspectTranscript(input, { acceptTruncated: flags.acceptTruncated === true, signal })
    const identity = {
      ...(await input.identity()),
      format: inspected.format,
      target: describeTarget(target),
      through,
    }
    const files = {
      stateFile: flags.resume && resolve(cwd, flags.resume),
      rejectedFile: flags.rejected && resolve(cwd, flags.rejected),
      header: inspected.header,
      identity,
    }
    const { checkOnly } = await import('../replay/check-only.js')
    const { withRunProgress } = await import('../replay/with-run-progress.js')
    const report =
      flags.checkOnly === true
        ? await checkOnly(input, { target, through, signal, onProgress })
        : await withRunProgress(files, (runProgress) =>
            withSender(context, target, flags, (sender) =>
              replay(input, sender, { target, signal, onProgress, pacer, progress: runProgress }),
            ),
          )
    if (inspected.truncated) progress.line('the transcript is truncated: what is behind its end is not known')
    const request = { transcript: path, through, url: flags.url, target: describeTarget(target) }
    return withFacts(await toResult(report, request), report, { ...flags, ...inspected })
  })
}

const LEAST_SHOWN_DELAY_MS = 100

const pacerOf = async ({ speed = 'max', maxGap = Infinity }: ReplayFlags, signal: AbortSignal): Promise<Pacer> => {
  const { createPacer, parseSpeed } = await import('../replay/pacing.js')
  const { monotonicClock } = await import('../replay/monotonic-clock.js')
  const parsed = parseSpeed(speed, maxGap)
  if (parsed !== undefined) return createPacer(parsed, monotonicClock(signal))
  const { OperatorError } = await import('../errors.js')
  throw new OperatorError('usage', `--speed is ${speed}`, { hint: 'write max, original, x10 or 200/s' })
}

/** The facts of the transcript and its pace, before the report. */
const withFacts = async (result: CommandResult, report: ReplayReport, about: FactsAbout): Promise<CommandResult> => {
  const { printable } = await import('../cli/render.js')
  const { dataOfFacts, describeFacts } = await import('../replay/run-facts.js')
  const facts = describeFacts(report, about).map(printable)
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
    const { withSocketSender } = await import('../replay/socket-sender.js')
    return withSocketSender(chatServerSource(context, target, flags), work)
  }
  const { withStoreSender } = await import('../replay/store-sender.js')
  return withStoreSender(target, work)
}

const playScenario = async (
  context: CommandContext,
  target: ConnectionTarget,
  flags: ReplayFlags,
): Promise<CommandResult> => {
  const { runGuestFlow, isGuestFlowClean } = await import('../replay/guest-flow.js')
  const { renderRemoval } = await import('../replay/guest-flow-removal.js')
  const { describeTarget } = await import('../database/connection-target.js')
  const { printable } = await import('../cli/render.js')
  context.progress.line(printable(`playing guest-flow over the socket into ${describeTarget(target)}`))
  const report = await runGuestFlow({ ...chatServerSource(context, target, flags), keep: flags.keep === true })
  const { cases, usernames, removal } = report
  const ok = isGuestFlowClean(report)
  return {
    exitCode: ok ? 0 : 1,
    data: { scenario: 'guest-flow', target: describeTarget(target), url: flags.url ?? null, cases, usernames, removal },
    text: ({ paint }) =>
      [
        ...cases.flatMap(({ name, expected, found, ok: passed }) => [
          `${passed ? paint.green('ok  ') : paint.red('FAIL')}  ${name}`,
          `      expected: ${expected}`,
          `      found:    ${printable(found)}`,
        ]),
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
  const words = await import('../cli/render.js')
  const { isClean } = await import('../replay/replay.js')
  const { rejected, lost, doubled, unexpected } = report
  const ok = isClean(report)
  return {
    exitCode: ok ? 0 : 1,
    data: {
      ...request,
      url: request.url ?? null,
      attempted: report.attempted,
      saved: report.saved,
      duplicates: report.duplicates,
      rejected: rejected.count,
      lost: lost.count,
      doubled: doubled.count,
      unexpected: unexpected.count,
      withoutClient: report.withoutClient,
      sendMs: Math.round(report.sendMs),
      readBackMs: Math.round(report.readBackMs),
      messagesPerSecond: Math.round(report.messagesPerSecond),
      rejectedLines: rejected.first,
      lostLines: lost.first,
      doubledMessages: doubled.first,
      unexpectedRows: unexpected.first,
    },
    text: (render) =>
      [
        ...countLines(report, render),
        ...(report.sendMs === 0 ? [] : [speed(report, words)]),
        ...findingLines('rejected', rejected, ({ line, reason }) => `line ${line}: ${reason}`, words),
        ...findingLines('lost', lost, (line) => `line ${line}: acknowledged, and not in the database`, words),
        ...findingLines('doubled', doubled, ({ line, ids }) => `line ${line}: messages ${ids.join(', ')}`, words),
        ...findingLines('unexpected', unexpected, describeUnexpected, words),
        ...(lost.count > 0 && request.url !== undefined ? ['', sameDatabaseHint(request.url, request.target)] : []),
        ...(report.withoutClient === 0
          ? []
          : [
              '',
              `${words.count(report.withoutClient, 'message')} kept without client; chatkeep reconcile links what can be linked`,
            ]),
        '',
        verdict(report, ok, render, words),
      ].join('\n'),
  }
}

const sameDatabaseHint = (url: string, target: string): string =>
  `hint: check that the chat server at ${url} writes to this database, ${target}`

type Words = typeof import('../cli/render.js')

const countLines = (report: ReplayReport, { paint }: Render): readonly string[] => {
  const { attempted, saved, duplicates, rejected, lost, doubled, unexpected } = report
  const amounts = [attempted, saved, duplicates, rejected.count, lost.count, doubled.count, unexpected.count].map(
    (amount) => amount.toLocaleString('en-US'),
  )
  const width = Math.max(...amounts.map(({ length }) => length))
  const names = ['attempted', 'saved', 'duplicates', 'rejected', 'lost', 'doubled', 'unexpected']
  return names.map((name, index) => {
    const line = `${name.padEnd(12)}${(amounts[index] ?? '').padStart(width)}`
    return index >= FIRST_BAD_COUNT && amounts[index] !== '0' ? paint.red(line) : line
  })
}

/** From `rejected` on, every count should be 0. */
const FIRST_BAD_COUNT = 3

/** Findings shown of each kind; a screen holds the verdict as well. */
const MOST_SHOWN = 20

const findingLines = <T>(
  title: string,
  { count, first }: Findings<T>,
  describe: (finding: T) => string,
  { printable }: Words,
): readonly string[] => {
  if (count === 0) return []
  const shown = first.slice(0, MOST_SHOWN)
  const rest = (count - shown.length).toLocaleString('en-US')
  return [
    '',
    `${title}:`,
    ...shown.map((finding) => `  ${printable(describe(finding))}`),
    ...(count > shown.length ? [`  … and ${rest} more (--json lists up to 1,000)`] : []),
  ]
}

const describeUnexpected = ({ id, line, reason }: ReplayReport['unexpected']['first'][number]): string =>
  line === null ? `message ${id} ${reason}` : `line ${line}: message ${id} ${reason}`

const verdict = (report: ReplayReport, ok: boolean, { paint }: Render, { count }: Words): string => {
  const { attempted, saved, duplicates, rejected, lost, doubled, unexpected } = report
  const number = (amount: number): string => amount.toLocaleString('en-US')
  const done = `${count(attempted, 'message')} attempted, ${number(saved)} saved, ${count(duplicates, 'duplicate')}`
  const bad = ok
    ? 'nothing lost, doubled or unexpected'
    : `${number(rejected.count)} rejected, ${number(lost.count)} lost, ${number(doubled.count)} doubled, ${number(unexpected.count)} unexpected`
  return `${verdictWord(ok, paint)} ${done}; ${bad}`
}

const speed = ({ sendMs, messagesPerSecond, readBackMs }: ReplayReport, { count, duration }: Words): string =>
  `sent in ${duration(sendMs)} (${count(Math.round(messagesPerSecond), 'message')}/s), read back in ${duration(readBackMs)}`

const verdictWord = (ok: boolean, paint: Render['paint']): string => (ok ? paint.green('ok:') : paint.red('FAIL:'))
