import type { Client, QueryConfig, QueryResult } from 'pg'
import type { Queryable } from '../../database/connection.js'
import { BARRIER, commitUnconfirmed } from '../../database/durability/commit-barrier.js'
import { noticeCommit } from '../../database/durability/commit-notice.js'
import { describeStandbys } from '../../database/waiting/describe-wait.js'
import type { OnWaitEvent, WaitEvent } from '../../database/waiting/wait-events.js'
import type { LockWaitOptions } from '../../database/waiting/lock-attempts.js'
import { ExitCode, interruptedBy, OperatorError, withDetail } from '../../errors.js'
import { again } from '../../next-step.js'
import type { MigrationCommand } from '../ledger/runs.js'

const COMMITTED =
  'state: what was done so far is committed on this server; the standby gets it as soon as it is attached, and until then it is lost with this server'

const AGAIN = again('', 'when the standby is attached: it continues where it stopped')

/** Ends a wait for synchronous standbys that takes longer than the run may wait: the server itself never does. */
export const limitStandbyWaits = ({
  maxWait,
  signal,
  onEvent,
}: Pick<LockWaitOptions, 'maxWait' | 'signal' | 'onEvent'>): {
  /** That of the run, or the end of such a wait. */
  readonly signal: AbortSignal
  readonly onEvent: OnWaitEvent
} => {
  const limit = new AbortController()
  return {
    signal: AbortSignal.any([signal, limit.signal]),
    onEvent: (event) => {
      onEvent(event)
      if (event.type === 'replicating' && event.elapsedMs >= maxWait.maxMs) limit.abort(notConfirmed(event))
    },
  }
}

const notConfirmed = (event: Extract<WaitEvent, { type: 'replicating' }>): OperatorError =>
  new OperatorError(
    'commit_unconfirmed',
    `waited ${Math.round(event.elapsedMs / 1_000)} s for ${describeStandbys(event)}`,
    {
      exitCode: ExitCode.busy,
      retryable: true,
      details: [COMMITTED],
      hint: [AGAIN, again('--max-wait 10m', 'to wait longer')],
      facts: { standbyNames: event.standbyNames, attached: event.attached },
    },
  )

/**
 * Notices commits whose wait for a standby was ended. The driver reports success for them.
 * @param client the session itself, @param watched how its statements are sent
 */
export const watchCommits = (
  client: Client,
  watched: Queryable,
  { command, signal }: { readonly command: MigrationCommand; readonly signal: AbortSignal },
): { readonly query: Queryable['query']; readonly confirm: () => Promise<void> } => {
  const query = async (request: string | QueryConfig, values?: unknown[]): Promise<QueryResult> => {
    const { result, isUnconfirmed } = await noticeCommit(client, () =>
      typeof request === 'string' ? watched.query(request, values) : watched.query(request),
    )
    // We ended the wait ourselves. Where somebody else did, the last barrier of the run covers the commit.
    if (isUnconfirmed && signal.aborted) throw whileWaiting(command, signal)
    return result
  }
  return {
    // Of the overloads of pg's query(), only those that return a promise.
    query: query as Queryable['query'],
    confirm: async () => {
      const { isUnconfirmed } = await noticeCommit(client, () => query(BARRIER))
      if (isUnconfirmed) throw withDetail(commitUnconfirmed(), COMMITTED, AGAIN)
    },
  }
}

const whileWaiting = (command: MigrationCommand, signal: AbortSignal): OperatorError => {
  const reason: unknown = signal.reason
  if (reason instanceof OperatorError && reason.code === 'commit_unconfirmed') return reason
  return interruptedBy(signal, (ended) => `${command} was ${ended} while it waited for a synchronous standby`, {
    details: [COMMITTED],
    hint: AGAIN,
  })
}
