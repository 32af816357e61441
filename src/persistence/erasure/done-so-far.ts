import { StoreUnavailable } from '../errors.js'
import { messagesAre } from './kept-rows.js'

/**
 * Runs a call of several transactions. When the database becomes unavailable, the error says how much of it is committed: at least so
 * much, since the answer to a COMMIT may be what was lost.
 */
export const sayingHowFar = async <T>(
  done: () => number,
  what: 'deleted' | 'moved',
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StoreUnavailable) || done() === 0) throw error
    const state = `state: at least ${messagesAre(done())} ${what}; the same call continues where it stopped`
    throw new StoreUnavailable(error.reason, error.cause, undefined, [...error.details, state])
  }
}
