import { resolve } from 'node:path'
import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { printable } from '../terminal/printable.js'
import type { TranscriptInput } from '../transcripts/transcript-input.js'
import { verdictLast, type Answer } from '../terminal/answer.js'
import type { OnProgress } from './progress-line.js'
import { renderReport } from './render-report.js'
import { reportData } from './describe-report.js'
import type { ReplayRequest } from './replay-request.js'
import { replayTranscript } from './replay-transcript.js'
import { dataOfFacts, describeFacts } from './run-facts.js'
import type { Sender } from './sending/sender.js'

export interface TranscriptContext {
  readonly target: ConnectionTarget
  readonly signal: AbortSignal
  readonly cwd: string
  readonly operatorSecret: string | undefined
  readonly onProgress: OnProgress
  readonly onLog: (line: string) => void
}

/** Replays a transcript, or compares it with the database, as the request says. */
export const answerTranscript = async (
  input: TranscriptInput,
  request: ReplayRequest,
  context: TranscriptContext,
): Promise<Answer> => {
  const { target, signal, onProgress, cwd } = context
  const { through = 'store', url } = request
  const absolute = (path: string | undefined): string | undefined => path && resolve(cwd, path)
  const { transcript, report } = await replayTranscript(input, {
    ...{ target, through, signal, onProgress },
    withSender: (work) => withSender(request, context, work),
    checkOnly: request.checkOnly === true,
    acceptTruncated: request.acceptTruncated === true,
    speed: request.speed ?? 'max',
    maxGapMs: request.maxGap ?? Infinity,
    operationLogFile: absolute(request.history),
    stateFile: absolute(request.resume),
    rejectedFile: absolute(request.rejected),
  })
  const run = { transcript: input.name, through, url, target: describeTarget(target) }
  const about = { ...request, ...transcript }
  const facts = describeFacts(report, about).map(printable)
  return {
    exitCode: report.verdict === 'passed' ? 0 : 1,
    data: { ...run, url: url ?? null, ...reportData(report), ...dataOfFacts(report, about) },
    ...verdictLast((render) => [...facts, ...renderReport(report, { ...run, naming: target.naming }, render)]),
  }
}

const withSender = async <T>(
  { through, url }: ReplayRequest,
  { target, signal, operatorSecret, onLog }: TranscriptContext,
  work: (sender: Sender) => Promise<T>,
): Promise<T> => {
  if (through === 'socket') {
    const { withSocketSender } = await import('./sending/socket-sender.js')
    return withSocketSender({ target, url, operatorSecret, signal, onLog }, work)
  }
  const { withStoreSender } = await import('./sending/store-sender.js')
  return withStoreSender(target, work)
}
