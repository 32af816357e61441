import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { describeWait } from '../database/waiting/describe-wait.js'
import { withApplicationWatch } from '../database/waiting/watch-application.js'
import { printable } from '../terminal/printable.js'
import { withTranscript } from '../transcripts/transcript-input.js'
import type { Answer } from '../terminal/answer.js'
import { entrySourceOf } from './journal/entries.js'
import { createProgressLine, type ReplayProgress } from './progress-line.js'
import { checkRequest, type ReplayRequest } from './replay-request.js'

/** What a replay is given by the command line. */
export interface ReplayContext {
  readonly cwd: string
  readonly stdin: { readonly stream: NodeJS.ReadableStream; readonly isTTY: boolean }
  readonly signal: AbortSignal
  readonly progress: ReplayProgress
  /** What operators join with at the chat server of `--url`. */
  readonly operatorSecret: string | undefined
  /** Provides the database for as long as the work lasts. */
  withTarget(work: (target: ConnectionTarget) => Promise<Answer>): Promise<Answer>
}

/**
 * Replays a transcript, a journal or a scenario, and checks in the database that every message arrived.
 * Each of the three is loaded when it is asked for: the chat server takes longer to load than to check a short file.
 * @throws OperatorError `usage`, and what the three throw
 */
export const runReplay = async (request: ReplayRequest, context: ReplayContext): Promise<Answer> => {
  checkRequest(request)
  const { file } = request
  const { update } = context.progress
  return context.withTarget((target) =>
    withApplicationWatch(
      target,
      APPLICATION_NAME,
      (event) => update(describeWait(event)),
      () => (file === undefined ? runScenario(request, target, context) : runFile(file, request, target, context)),
    ),
  )
}

const APPLICATION_NAME = 'chatkeep replay'

const runScenario = async (
  request: ReplayRequest,
  target: ConnectionTarget,
  { progress, operatorSecret, signal }: ReplayContext,
): Promise<Answer> => {
  const { answerGuestFlow } = await import('./guest-flow/answer-guest-flow.js')
  progress.line(printable(`playing guest-flow over the socket into ${describeTarget(target)}`))
  return answerGuestFlow({
    ...{ target, signal, operatorSecret, url: request.url },
    keep: request.keep === true,
    onLog: progress.line,
  })
}

const runFile = async (
  path: string,
  request: ReplayRequest,
  target: ConnectionTarget,
  { cwd, stdin, signal, progress, operatorSecret }: ReplayContext,
): Promise<Answer> => {
  progress.line(printable(describeStart(path, request, describeTarget(target))))
  if (path === '-' && stdin.isTTY) progress.line('type or paste the transcript; end it with Ctrl-D')
  const onProgress = createProgressLine(progress)
  return withTranscript({ path, cwd, stdin: stdin.stream, signal }, async (input) => {
    if (entrySourceOf(input) !== undefined) {
      const { answerJournal } = await import('./journal/answer-journal.js')
      return answerJournal(input, request, { target, signal, onProgress })
    }
    const { answerTranscript } = await import('./answer-transcript.js')
    return answerTranscript(input, request, { target, signal, onProgress, cwd, operatorSecret, onLog: progress.line })
  })
}

const describeStart = (path: string, { checkOnly, through = 'store' }: ReplayRequest, target: string): string => {
  const [way, preposition] = checkOnly === true ? ['comparing', 'with'] : ['replaying', 'into']
  return `${way} ${path === '-' ? 'stdin' : path} ${preposition} ${target}, through the ${through}`
}
