import { checkOptions, checkValue, FUNCTION, milliseconds, TEXT, type Rules } from '../../check-options.js'
import type { ChatMessage } from '../message.js'
import { CALL_RULES, type CallOptions } from '../store/call-options.js'

/** What a listener is told besides the message. */
export interface MessageDelivery {
  /** As `since`: continues behind this message. Keep it with what the listener did, so that neither is repeated. */
  readonly cursor: string
}

/** Called with each message; the next one waits for the promise that it returns. */
export type MessageListener = (message: ChatMessage, delivery: MessageDelivery) => void | Promise<void>

/** Options of a subscription. */
export interface SubscriptionOptions extends CallOptions {
  /**
   * Called with what goes wrong in the background: with the message, what its listener threw; without one, why nothing can be read
   * at the moment, once for each outage and reason. The subscription goes on.
   */
  readonly onError: (error: unknown, message?: ChatMessage) => void
  /** A cursor: continues where another subscription ended, also in another process. What is stored from now on when absent. */
  readonly since?: string | undefined
  /** How often the database is asked without a sign that there is something new, in milliseconds; 1,000 when absent. */
  readonly pollMs?: number | undefined
  /** Ends the subscription, or the call that begins it. */
  readonly signal?: AbortSignal | undefined
}

export const DEFAULT_POLL_MS = 1_000

const RULES: Rules<SubscriptionOptions> = {
  ...CALL_RULES,
  onError: FUNCTION,
  since: TEXT,
  pollMs: milliseconds(20),
}

/** @throws InvalidCall `invalid_option` */
export const checkSubscription = (listener: unknown, options: unknown): void => {
  checkValue('the listener', listener, FUNCTION)
  checkOptions('options', options, RULES)
  // Nobody awaits what fails in the background.
  checkValue('onError', (options as SubscriptionOptions).onError, FUNCTION)
}
