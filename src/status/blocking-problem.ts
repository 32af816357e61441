import { describeBlocker, statementsToEnd, type Blocker } from '../database/blockers.js'
import type { BlockingSession } from '../database/waiting/blocking-sessions.js'
import { ExitCode } from '../errors.js'
import { sql, type Next } from '../next-step.js'
import { count } from '../terminal/render.js'
import { error, unknown, warning, type Problem } from './problem.js'

const BLOCKED_S = 5

/** @param isLockedOut whether the tables could not be read because of a lock */
export const blockingProblem = (
  { blocker, waiting, waiters, tables, stopsReads }: BlockingSession,
  isLockedOut: boolean,
): readonly Problem[] => {
  const longestS = Math.max(0, ...waiters.map(({ waitedS }) => waitedS ?? 0))
  const isLong = Math.max(longestS, tables.length > 0 ? (blocker.transactionS ?? 0) : 0) >= BLOCKED_S
  if (tables.length === 0 && (waiting === 0 || !isLong)) return []
  const what = [
    ...(tables.length === 0 ? [] : [describeLocks({ tables, stopsReads })]),
    ...(waiting === 0 ? [] : [`blocks ${count(waiting, 'session')}`]),
  ].join(' and ')
  const text = `${describeBlocker(blocker)} ${what}`
  const next = wayToEnd(blocker)
  if (tables.length > 0 && isLong) return [error(text, next)]
  return isLockedOut && stopsReads ? [unknown(text, next, ExitCode.busy)] : [warning(text, next)]
}

/** What a session does to tables of the chat. */
export const describeLocks = ({ tables, stopsReads }: Pick<BlockingSession, 'tables' | 'stopsReads'>): string =>
  `has locked ${namesOf(tables)}${stopsReads ? '' : ' against writes'}`

export const namesOf = (tables: readonly string[]): string => tables.map((table) => JSON.stringify(table)).join(' and ')

/** The statement that ends a session; advice where it must not be ended. */
export const wayToEnd = (blocker: Blocker): Next => {
  const statements = statementsToEnd([blocker])
  return statements === undefined ? 'wait: it gives way by itself' : sql(statements.slice(0, -1), 'end it')
}
