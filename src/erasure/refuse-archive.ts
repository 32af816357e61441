import { ExitCode, OperatorError } from '../errors.js'
import { chatkeep } from '../next-step.js'
import type { ErasureTables } from '../persistence/erasure/tables.js'

/**
 * The archive of a rollback holds guests' names and messages under a checksum.
 * @throws OperatorError `archive_exists` (exit 5)
 */
export const refuseArchive = (tables: ErasureTables): void => {
  if (!tables.own.has('archive')) return
  throw new OperatorError(
    'archive_exists',
    'the archive of a rollback holds data of guests, which cannot be told apart there; nothing was changed',
    { exitCode: ExitCode.refused, hint: chatkeep('migrate', 'put the archive back into the tables first') },
  )
}
