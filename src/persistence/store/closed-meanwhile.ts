import { OperatorError } from '../../errors.js'
import { SEND_AGAIN } from '../after-refusal.js'

/** What a call does that `close` did not wait for. */
type Call = 'save' | 'read' | 'change'

/** Why a call that `close` did not wait for has failed. */
export const closedMeanwhile = (call: Call): OperatorError =>
  new OperatorError('store_closed', `the chat store was closed before ${LEFT_OPEN[call]}`, {
    retryable: true,
    hint: `close() without a time waits for all calls; ${AFTER_CLOSE[call]}`,
  })

const LEFT_OPEN: Readonly<Record<Call, string>> = {
  save: 'the save was answered; the message may be stored',
  read: 'the read was answered',
  change: 'the change was answered; it may have been made, or a part of it',
}
const AFTER_CLOSE: Readonly<Record<Call, string>> = {
  save: SEND_AGAIN,
  read: 'make the call again',
  change: 'make the call again: it does what is left',
}
