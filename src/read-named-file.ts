import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { hasCode, PIPE_PATIENCE_MS, MOST_BYTES } from './file-reason.js'

/** The errors of this file, with a code as those of the operating system have. */
class UnreadableFile extends Error {
  constructor(
    readonly code: string,
    readonly path: string,
  ) {
    super(code)
  }
}

/**
 * Reads a small file that a setting or a flag names. A pipe, such as `<(pass show prod.env)`, is read to its end, if something is
 * written to it within some seconds: nothing waits for ever. A device ends at the size limit.
 * @throws errors of the file system, with the path, for `fileReason`
 */
export const readNamedFile = (path: string, patienceMs = PIPE_PATIENCE_MS): Buffer => {
  const file = openNamedFile(path)
  try {
    return readOpenFile(file, path, patienceMs)
  } finally {
    closeSync(file)
  }
}

/** Opens it for `readOpenFile`; a pipe without a writer does not hold it up. Windows has no such flag, and undefined counts as 0. */
export const openNamedFile = (path: string): number => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)

export const readOpenFile = (file: number, path: string, patienceMs = PIPE_PATIENCE_MS): Buffer => {
  const isPipe = fstatSync(file).isFIFO()
  const pieces: Buffer[] = []
  let sizeBytes = 0
  let hasWriter = false
  let lastMs = Date.now()
  for (;;) {
    const piece = readPiece(file, path)
    if (piece?.length === 0 && (!isPipe || hasWriter)) return Buffer.concat(pieces)
    hasWriter ||= piece === undefined || piece.length > 0
    if (piece !== undefined && piece.length > 0) {
      pieces.push(piece)
      sizeBytes += piece.length
      lastMs = Date.now()
      if (sizeBytes > MOST_BYTES) throw new UnreadableFile('TOO_LARGE', path)
    } else if (Date.now() - lastMs > patienceMs) throw new UnreadableFile('SILENT_PIPE', path)
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS)
  }
}

const PIECE_BYTES = 65_536
const POLL_MS = 20

/** @returns undefined while a pipe's writer has written nothing */
const readPiece = (file: number, path: string): Buffer | undefined => {
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  try {
    return piece.subarray(0, readSync(file, piece))
  } catch (error) {
    if (hasCode(error, 'EAGAIN')) return undefined
    // The system does not name what was opened before.
    throw error instanceof Error ? Object.assign(error, { path }) : error
  }
}
