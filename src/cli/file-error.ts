import { OperatorError } from '../errors.js'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files',
}

/** An `OperatorError` for a failed file operation, or undefined when the error is something else. */
export const fileError = (error: unknown): OperatorError | undefined => {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined
  const reason = REASONS[error.code]
  if (path === undefined || reason === undefined) return undefined
  return new OperatorError('file_error', `${path}: ${reason}`, { cause: error })
}
