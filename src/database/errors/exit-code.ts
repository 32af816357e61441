import { ExitCode } from '../../errors.js'
import { SqlState } from '../sql-state.js'

/** Connection exception, invalid authorization, no such database, insufficient resources, operator intervention. */
const UNAVAILABLE_CLASSES = ['08', '28', '3D', '53', '57']

/**
 * The exit code of an error that the server reported, whatever command met it. A missing privilege counts as unavailable, like
 * a wrong password: the database could not be asked as this role.
 */
export const exitCodeForState = (sqlState: string): ExitCode => {
  if (sqlState === SqlState.lockNotAvailable) return ExitCode.busy
  if (sqlState === SqlState.insufficientPrivilege || sqlState === SqlState.readOnlyTransaction)
    return ExitCode.unreachable
  return UNAVAILABLE_CLASSES.includes(sqlState.slice(0, 2)) ? ExitCode.unreachable : ExitCode.no
}
