import { setTimeout as delay } from 'node:timers/promises'
import { ExitCode, OperatorError } from '../../errors.js'
import { again, or } from '../../next-step.js'
import type { Queryable } from '../connection.js'
import { IS_STANDBY, RECEIVER_NAME, REPLAY_LAG_S } from '../replication/receivers-sql.js'
import { describeLagging } from './describe-wait.js'
import type { LockWaitOptions } from './lock-attempts.js'
import type { LaggingStandby } from './wait-events.js'

const LOOK_EVERY_MS = 500

/**
 * Standbys of which this role sees that they are further behind. A slot that nothing reads has no row here, and is not waited
 * for; nor is a subscriber or pg_receivewal. The lag of a standby whose replay stands still grows with each of its replies.
 */
const SELECT_LAGGING = `
  SELECT ${RECEIVER_NAME} AS "name",
    CASE WHEN r.state = 'streaming' THEN ${REPLAY_LAG_S} END AS "lagS"
  FROM pg_catalog.pg_stat_replication AS r
  WHERE (r.state = 'catchup' OR r.state = 'streaming' AND r.replay_lag > $1 * interval '1 ms')
    AND ${IS_STANDBY}
  ORDER BY r.replay_lag DESC NULLS LAST, 1`

/** Keeps a run from getting further ahead of the standbys than it may. */
export interface ReplicaPace {
  /** How far a standby may be behind. */
  readonly maxLagMs: number
  /**
   * Returns when no standby lags more than it may. Without locks.
   * @throws OperatorError `standby_lags` (exit 4) when one still does after the time to wait
   */
  readonly untilQuiet: (client: Queryable) => Promise<void>
  /** The same between batches; looks at most twice a second. */
  readonly betweenBatches: (client: Queryable) => Promise<void>
}

export const createReplicaPace = (
  maxLagMs: number,
  { maxWait: { maxMs }, signal, onEvent }: Pick<LockWaitOptions, 'maxWait' | 'signal' | 'onEvent'>,
): ReplicaPace => {
  let lookedAt = -Infinity
  const untilQuiet = async (client: Queryable): Promise<void> => {
    for (const startedAt = performance.now(); ;) {
      signal.throwIfAborted()
      const { rows: standbys } = await client.query<LaggingStandby>(SELECT_LAGGING, [maxLagMs])
      const now = performance.now()
      lookedAt = now
      if (standbys.length === 0) return
      const elapsedMs = Math.round(now - startedAt)
      if (elapsedMs >= maxMs) throw standbyLags(standbys, maxLagMs, elapsedMs)
      onEvent({ type: 'lagging', standbys, maxLagMs, elapsedMs })
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
  return {
    maxLagMs,
    untilQuiet,
    betweenBatches: async (client) => {
      if (performance.now() - lookedAt >= LOOK_EVERY_MS) await untilQuiet(client)
    },
  }
}

const standbyLags = (standbys: readonly LaggingStandby[], maxLagMs: number, elapsedMs: number): OperatorError =>
  new OperatorError(
    'standby_lags',
    `waited ${Math.round(elapsedMs / 1_000)} s for ${describeLagging(standbys, maxLagMs)}`,
    {
      exitCode: ExitCode.busy,
      retryable: true,
      details: ['state: what was done so far is kept; the next step was not begun'],
      hint: [
        again('--max-wait 10m', 'to wait longer; it continues where it stopped'),
        or(again('--max-replica-lag 1h', 'for a standby that is meant to be behind')),
      ],
      facts: { standbys },
    },
  )
