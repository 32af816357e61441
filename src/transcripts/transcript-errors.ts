import { interruptedBy, OperatorError } from '../errors.js'

/** The run was interrupted before it began. */
export const stoppedReadingInput = (signal: AbortSignal): OperatorError =>
  interruptedBy(signal, () => 'stopped while reading the input: nothing was sent', {
    hint: 'run the same command again',
    cause: signal.reason,
  })

export const NOT_A_TRANSCRIPT = 'a transcript is one JSON object a line, with at, conversation, from, username and text'

/** An empty transcript is an error, so a smoke test cannot pass on it. */
export const emptyTranscript = (name: string): OperatorError =>
  new OperatorError('empty_transcript', `${name} contains no message`, {
    hint: NOT_A_TRANSCRIPT,
  })
