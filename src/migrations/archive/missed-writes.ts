import { ExitCode, OperatorError } from '../../errors.js'
import type { OwnClient } from '../own/own-client.js'
import { CAPTURE_TRIGGER } from './archive.js'
import { countMissedWrites, readCaptureState } from './capture.js'

/** Tells whether the archive has every write since the trigger was created. */
export interface CaptureWatch {
  /**
   * Call it in the transaction that drops a column, under its lock: no write can be on its way then.
   * @throws OperatorError `archive_incomplete` (exit 1) when a write passed the trigger, or may have
   */
  readonly refuseMissed: (client: OwnClient) => Promise<void>
}

/** Starts in the transaction that creates the trigger. */
export const watchCapture = async (client: OwnClient): Promise<CaptureWatch> => {
  const before = await readCaptureState(client)
  return {
    refuseMissed: async (inside) => {
      if ((await readCaptureState(inside)) !== before) throw changed(inside)
      const missed = await countMissedWrites(inside)
      if (missed > 0) throw passed(missed)
    },
  }
}

const NOTHING_LOST = 'the column was not dropped, and no message was lost'
const AGAIN = 'run the same rollback again: it archives what was written meanwhile'

const passed = (missed: number): OperatorError =>
  new OperatorError(
    'archive_incomplete',
    `${missed === 1 ? '1 write' : `${missed} writes`} could not be archived while the rollback ran; ${NOTHING_LOST}`,
    {
      exitCode: ExitCode.no,
      hint: `${AGAIN}. The server's log says why: "chatkeep rollback: a message was not archived"`,
    },
  )

const changed = ({ own }: OwnClient): OperatorError =>
  new OperatorError(
    'archive_incomplete',
    `the trigger ${CAPTURE_TRIGGER}, or its objects in schema ${JSON.stringify(own.schema)}, were changed while the rollback ran, so writes may be missing from the archive; ${NOTHING_LOST}`,
    { exitCode: ExitCode.no, hint: AGAIN },
  )
