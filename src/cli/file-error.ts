import { OperatorError } from '../errors.js'
import { fileReason } from '../file-reason.js'

/** An `OperatorError` for a failed file operation, or undefined when the error is something else. */
export const fileError = (error: unknown): OperatorError | undefined => {
  const reason = fileReason(error)
  const path = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined
  if (path === undefined || reason === undefined) return undefined
  return new OperatorError('file_error', `${path}: ${reason}`, { cause: error })
}
