import type { PoolClient } from 'pg'
import { reopenSession, type Ended } from '../end-session.js'
import { isDirect } from '../pooler.js'
import { withOwnTypes } from '../session/own-types.js'
import { knownInTransaction } from './transaction-status.js'

/** How long the server may take to answer. */
const ANSWER_MS = 1_000

/**
 * Makes a session that was given up as good as before, so that others can use it: outside of a transaction, and no cancel request may
 * arrive later, which would end a statement of theirs. A server closes the request's connection after it has sent the signal, and drops
 * a signal that comes between two statements. What stands between may pass the request on later: a session of a pooler, or through
 * a relay, is never whole after one.
 * @returns whether it is; never fails
 */
export const isWhole = async (client: PoolClient, ended: Ended): Promise<boolean> => {
  if ((ended !== 'idle' && ended !== 'cancelled') || !reopenSession(client)) return false
  let limit: NodeJS.Timeout | undefined
  const tooLate = new Promise<false>((resolve) => {
    limit = setTimeout(resolve, ANSWER_MS, false)
  })
  const restored = restore(client, ended).catch(() => false)
  return Promise.race([restored, tooLate]).finally(() => clearTimeout(limit))
}

const restore = async (client: PoolClient, ended: Ended): Promise<boolean> => {
  if (knownInTransaction(client) === true) await client.query('ROLLBACK')
  // A signal that is late after all ends this statement, and so the session.
  if (ended === 'cancelled' && !(await isDirect(withOwnTypes(client)))) return false
  return knownInTransaction(client) === false
}
