import { interruptedBy, OperatorError } from '../errors.js'

/** The run was ended from outside before it began. */
export const stoppedReadingInput = (signal: AbortSignal): OperatorError =>
  interruptedBy(signal, () => 'stopped while the input was still being read: nothing was sent', {
    hint: 'run the same command again',
    cause: signal.reason,
  })

/** A smoke test must not pass on nothing. */
export const emptyTranscript = (name: string): OperatorError =>
  new OperatorError('empty_transcript', `${name} holds no message`, {
    hint: 'a transcript holds one JSON object a line, with at, conversation, from, username and text',
  })
