import { isServerError } from '../../database/sql-state.js'
import { ExitCode, OperatorError } from '../../errors.js'
import type { OwnClient } from '../own/own-client.js'
import { isSessionLost } from '../running/lost-connection.js'
import { withShortLocks, type LockWaitOptions } from '../../database/waiting/lock-attempts.js'
import { CAPTURE_TRIGGER, dropGuard } from './archive.js'
import { hasMissedWrites, readCaptureState } from './capture.js'
import { again, or } from '../../next-step.js'

/** Tells whether the archive has every write since the trigger was created. */
export interface CaptureWatch {
  /**
   * Call it in the transaction that drops a column, under its lock: no write can be on its way then. Earlier, it only saves
   * the work in vain.
   * @throws OperatorError `archive_incomplete` (exit 1) when a write passed the trigger, or may have
   */
  readonly refuseMissed: (client: OwnClient) => Promise<void>
  /**
   * Explains an error of the rollback: what keeps the trigger from the archive keeps the rollback from it, too.
   * @returns `archive_incomplete` with that error as its cause, or the error itself
   */
  readonly explain: (client: OwnClient, error: unknown) => Promise<unknown>
}

/** Starts in the transaction that creates the trigger. */
export const watchCapture = async (client: OwnClient): Promise<CaptureWatch> => {
  const before = await readCaptureState(client)
  const findMissed = async (inside: OwnClient, cause?: unknown): Promise<OperatorError | undefined> => {
    if ((await readCaptureState(inside)) !== before) return changed(inside, cause)
    return (await hasMissedWrites(inside)) ? passed(cause) : undefined
  }
  return {
    refuseMissed: async (inside) => {
      const missed = await findMissed(inside)
      if (missed !== undefined) throw missed
    },
    explain: async (inside, error) => {
      if (!isServerError(error) || isSessionLost(error)) return error
      // The first error wins where this one cannot be told.
      return (await findMissed(inside, error).catch(() => undefined)) ?? error
    },
  }
}

const CODE = 'archive_incomplete'

/**
 * Drops the guard if the archive is incomplete: the guard rejects messages and updates, and nobody knows when the rollback is
 * run again.
 */
export const releaseGuard = async (client: OwnClient, error: unknown, options: LockWaitOptions): Promise<void> => {
  if (!(error instanceof OperatorError) || error.code !== CODE) return
  // If the table stays busy, the first error still counts; verify reports the guard.
  await withShortLocks(client, options, () => dropGuard(client)).catch(() => undefined)
}

const NOTHING_LOST = 'no column was dropped that the archive lacks, and no message was lost'
const AGAIN = again('', 'it archives what was written meanwhile')

const passed = (cause: unknown): OperatorError =>
  new OperatorError(CODE, `a write could not be archived while the rollback ran; ${NOTHING_LOST}`, {
    exitCode: ExitCode.no,
    hint: [AGAIN, or('read why in the server\'s log: "chatkeep rollback: a message was not archived"')],
    cause,
  })

const changed = ({ own }: OwnClient, cause: unknown): OperatorError =>
  new OperatorError(
    CODE,
    `the trigger ${CAPTURE_TRIGGER}, or its objects in schema ${JSON.stringify(own.schema)}, were changed while the rollback ran, so writes may be missing from the archive; ${NOTHING_LOST}`,
    { exitCode: ExitCode.no, hint: AGAIN, cause },
  )

/** The scan found messages that the trigger did not archive, for a reason that left no other trace. */
export const archiveIncomplete = (missing: number): OperatorError =>
  new OperatorError(CODE, `the guest data of ${missing} messages is not in the archive; nothing was dropped`, {
    exitCode: ExitCode.no,
    hint: AGAIN,
  })
