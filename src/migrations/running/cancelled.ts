import type { Queryable } from '../../database/connection.js'
import { hasSqlState, SqlState } from '../../database/sql-state.js'
import { reachedLimit } from '../../database/statement-limit.js'
import { toSteps, type Next } from '../../next-step.js'
import { durationBehind } from './watch-session.js'

/** @param hint what to do about a failed statement: first about its cause */
export const hintAfter = async (client: Queryable, error: unknown, hint: Next): Promise<Next> => {
  if (!hasSqlState(error, SqlState.queryCanceled)) return hint
  const first = (await reachedLimit(client, durationBehind(error)))
    ? 'raise --statement-timeout'
    : 'somebody cancelled the statement on the server: ask who, and why'
  return [first, ...toSteps(hint).slice(1)]
}
