import type { Queryable } from '../../database/connection.js'
import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { CANCELLED, reachedLimit } from '../../database/errors/statement-limit.js'
import { toSteps, type Next } from '../../next-step.js'
import { durationBehind } from '../../database/waiting/watch-session.js'

export const RAISE_LIMIT = 'raise --statement-timeout'

/** @param hint what to do about a failed statement: first about its cause */
export const hintAfter = async (client: Queryable, error: unknown, hint: Next): Promise<Next> => {
  if (!hasSqlState(error, SqlState.queryCanceled)) return hint
  const first = (await reachedLimit(client, durationBehind(error)))
    ? RAISE_LIMIT
    : `${CANCELLED.bySomebody.message}: ask who, and why; or the file itself set a time-out`
  return [first, ...toSteps(hint).slice(1)]
}
