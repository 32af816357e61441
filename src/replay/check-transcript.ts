import { ExitCode, OperatorError } from '../errors.js'
import { checkOperations, type Check, type CheckOptions } from './checking/check-operations.js'
import type { SentOperation } from './checking/sent-operation.js'
import type { ReadBack } from './checking/read-back.js'
import { readTranscript } from '../transcripts/read-transcript.js'
import type { Sender } from './sending/sender.js'
import type { Tally } from './sending/tally.js'
import type { TranscriptInput } from '../transcripts/transcript-input.js'

/**
 * Reads a transcript again and looks up every message in the database.
 * @throws OperatorError `input_changed` when it is not the transcript that was sent
 */
export const checkTranscript = (
  input: TranscriptInput,
  sent: Tally,
  sender: Pick<Sender, 'expectedRow'>,
  readBack: ReadBack,
  options: Pick<CheckOptions, 'earlier' | 'doublesAmong' | 'signal' | 'onProgress'>,
): Promise<Check> => checkOperations({ ...options, operations: operationsOf(input, sent, sender), readBack })

async function* operationsOf(
  input: TranscriptInput,
  sent: Tally,
  sender: Pick<Sender, 'expectedRow'>,
): AsyncGenerator<SentOperation> {
  let messages = 0
  for await (const entry of readTranscript(input.read(), { leftOut: input.leftOut })) {
    if (entry.message === undefined) continue
    messages += 1
    const outcome = sent.refused.has(entry.line) ? 'fail' : 'ok'
    yield { line: entry.line, outcome, content: await sender.expectedRow(entry) }
  }
  if (messages !== sent.messages) throw inputChanged(input, sent.messages, messages)
}

const inputChanged = ({ name }: TranscriptInput, sent: number, found: number): OperatorError =>
  new OperatorError(
    'input_changed',
    `${name} changed while it was replayed: ${sent} messages were sent, and now it has ${found}`,
    { hint: 'run the same command again: nothing is stored twice', exitCode: ExitCode.no },
  )
