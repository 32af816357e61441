import type { ClientBase } from 'pg'
import { ExitCode, OperatorError } from '../../errors.js'
import { noticeCommit } from './commit-notice.js'
import { DURABLE_COMMIT, emitMessage } from './durable-commit.js'

/**
 * Commits WAL of its own. It is later than the commit of everything that is visible before the statement, so when this
 * commit has reached the disk and the synchronous standbys, so has all of that, however it was committed.
 */
export const BARRIER = `SELECT ${DURABLE_COMMIT} AND ${emitMessage('barrier')}`

/**
 * Returns when everything that was visible before it is as durable as `synchronous_commit` and the standbys promise. Outside
 * of a transaction, without locks.
 * @throws OperatorError `commit_unconfirmed`, retryable, when its own wait for a standby was ended
 */
export const commitBarrier = async (client: ClientBase): Promise<void> => {
  const { isUnconfirmed } = await noticeCommit(client, () => client.query(BARRIER))
  if (isUnconfirmed) throw commitUnconfirmed()
}

/** What was committed is visible, but no synchronous standby need have it. */
export const commitUnconfirmed = (): OperatorError =>
  new OperatorError(
    'commit_unconfirmed',
    'the wait for a synchronous standby was ended before it confirmed the commit',
    {
      retryable: true,
      exitCode: ExitCode.unreachable,
    },
  )
