import { createSerialQueue } from '../../concurrency/serial-queue.js'
import { StoreUnavailable } from '../../persistence/errors.js'
import { isHeldByOthers } from '../../persistence/locks/held-by-others.js'

/** Runs the requests of one socket one after another, in the order of the calls. @param needs what has to work for the request */
export type RequestQueue = <T>(request: () => T | Promise<T>, needs?: 'database' | 'nothing') => Promise<T>

/**
 * A queue in which no request waits for the database longer than one of them does. When the store has given up on one, those
 * that came before that and need the database are refused with it; each would otherwise wait as long again, and the tenth
 * would be answered after ten deadlines. All of them may be sent again.
 * @param journal takes messages while the database is unavailable, so that those behind a refused request need not be
 */
export const createRequestQueue = (journal: 'none' | 'open'): RequestQueue => {
  const inOrder = createSerialQueue()
  let arriving: Arrivals = {}
  return (request, needs = 'database') => {
    const own = arriving
    return inOrder(async () => {
      if (own.outage !== undefined && needs === 'database') throw own.outage
      try {
        return await request()
      } catch (error) {
        if (journal === 'none' && error instanceof StoreUnavailable && !isHeldByOthers(error)) {
          own.outage = error
          arriving = {}
        }
        throw error
      }
    })
  }
}

/** The requests that came between two outages. */
interface Arrivals {
  outage?: StoreUnavailable
}
