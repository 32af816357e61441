import {
  checkOptions,
  FUNCTION,
  INSTANT,
  milliseconds,
  objectWith,
  wholeNumber,
  YES_OR_NO,
  type Rules,
} from '../../check-options.js'
import { DEFAULT_DEADLINE_MS } from './store-options.js'
import type { TransactionClient } from '../transaction/transaction-client.js'

/** Options of one call, its last argument. */
export interface CallOptions {
  /**
   * Ends the call, which rejects at once with the signal's reason. What runs in the server is cancelled there; a change may have
   * been made before. A message that was being saved may be stored: its call rejects with StoreUnavailable.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * When this call ends, in milliseconds, instead of the store's `deadlineMs`; 0 means one attempt, of ten seconds at most. Of a call
   * that takes several transactions (`deleteMessagesBefore`, `eraseContact`, `mergeClients`) it is the time of each.
   */
  readonly deadlineMs?: number | undefined
}

/** Options of one save. */
export interface SaveOptions extends CallOptions {
  /**
   * A transaction of the caller, in which the message is saved: it is stored when the caller commits, and never if it rolls
   * back. Then nothing is retried, a signal counts until `db` has answered the first statement, and NotInTransaction and TransactionConflict are
   * thrown as well.
   */
  readonly db?: TransactionClient | undefined
}

/** Options of `findChat`. */
export interface FindChatOptions extends CallOptions {
  /** Finds the chat as it was at this instant: who came later has none, and a conversation that began later is not answered. */
  readonly at?: Date | undefined
}

/** Options of calls that delete in batches. */
export interface BatchOptions extends CallOptions {
  /** Messages a transaction; 1,000 when absent. */
  readonly batchSize?: number | undefined
  /** Called after each commit, with how many messages are deleted so far (at least), and awaited. When it fails, so does the call. */
  readonly onProgress?: ((deleted: number) => unknown) | undefined
}

/** Options of an erasure. */
export interface EraseOptions extends BatchOptions {
  /** Keeps the rows of clients, without name and phone, for rows of the application that refer to them. */
  readonly keepClient?: boolean | undefined
}

/** How long a call may take: a single attempt has the usual time. */
export const patienceOf = (deadlineMs: number): number => (deadlineMs === 0 ? DEFAULT_DEADLINE_MS : deadlineMs)

export const CALL_RULES: Rules<CallOptions> = {
  signal: { ...objectWith('addEventListener', 'throwIfAborted'), must: 'an AbortSignal' },
  deadlineMs: milliseconds(0),
}

const SAVE_RULES: Rules<SaveOptions> = {
  ...CALL_RULES,
  db: {
    ...objectWith('query'),
    must:
      'a client of pg, or the transaction of another library in its adapter: ' +
      'prismaTransaction(tx), drizzleTransaction(tx, sql), kyselyTransaction(trx) or knexTransaction(trx)',
  },
}

const FIND_CHAT_RULES: Rules<FindChatOptions> = { ...CALL_RULES, at: INSTANT }

const BATCH_RULES: Rules<BatchOptions> = { ...CALL_RULES, batchSize: wholeNumber(1), onProgress: FUNCTION }

const ERASE_RULES: Rules<EraseOptions> = { ...BATCH_RULES, keepClient: YES_OR_NO }

const WHAT = 'options'

/** @throws InvalidCall `invalid_option` */
export const checkCallOptions = (options: CallOptions): void => checkOptions(WHAT, options, CALL_RULES)

/** @throws InvalidCall `invalid_option` */
export const checkSaveOptions = (options: SaveOptions): void => checkOptions(WHAT, options, SAVE_RULES)

/** @throws InvalidCall `invalid_option` */
export const checkFindChatOptions = (options: FindChatOptions): void => checkOptions(WHAT, options, FIND_CHAT_RULES)

/** @throws InvalidCall `invalid_option` */
export const checkBatchOptions = (options: BatchOptions): void => checkOptions(WHAT, options, BATCH_RULES)

/** @throws InvalidCall `invalid_option` */
export const checkEraseOptions = (options: EraseOptions): void => checkOptions(WHAT, options, ERASE_RULES)
