/** Largest file that a setting may name, and how long one that is a pipe may be silent: `readNamedFile`. */
export const MOST_BYTES = 16 * 1_048_576
export const PIPE_PATIENCE_MS = 10_000

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'it is not a folder, or a part of its path is none',
  ELOOP: 'it is a symbolic link that leads to itself',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file has reached the largest size that is allowed',
  EIO: 'the disk reports an error',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files',
  ENXIO: 'it is a socket, or a pipe that nothing reads',
  TOO_LARGE: `it is larger than ${MOST_BYTES / 1_048_576} MiB`,
  SILENT_PIPE: `it is a pipe, and nothing was written to it for ${PIPE_PATIENCE_MS / 1_000} s`,
}

/** Why a file operation failed, in plain words; undefined for an error that is not one of the usual ones of the file system. */
export const fileReason = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? REASONS[error.code] : undefined

/** Why a file operation failed, in the error's own words where `fileReason` has none. */
export const fileFailure = (error: Error): string => fileReason(error) ?? error.message

/** Whether an error has one of these codes of the operating system (`ENOENT` …). */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
