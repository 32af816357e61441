import type { FileHandle } from 'node:fs/promises'
import { ExitCode, OperatorError } from '../../errors.js'
import { fileReason } from '../../file-reason.js'
import { openPrivateFile } from '../../private-file.js'

/** A file that is appended to while a run is in progress. */
export interface OperationLogFile {
  /** Resolves when there is room for more. @throws OperatorError `history_not_written` */
  write(text: string): Promise<void>
  /** Adds text without waiting; the next `write` waits for both. */
  queue(text: string): void
}

/** Text is written to disk once this much has gathered. */
const CHUNK_UNITS = 65_536

/**
 * Provides a new file for as long as the work lasts.
 * @throws OperatorError `history_exists`, `history_not_written`, `file_not_private`
 */
export const withOperationLogFile = async <T>(
  path: string,
  work: (file: OperationLogFile) => Promise<T>,
): Promise<T> => {
  const handle = await create(path)
  let waiting = ''
  let writing: Promise<void> = Promise.resolve()
  const flush = (): Promise<void> => {
    const text = waiting
    waiting = ''
    writing = writing.then(() => append(handle, path, text))
    return writing
  }
  const file: OperationLogFile = {
    write: async (text) => {
      waiting += text
      if (waiting.length >= CHUNK_UNITS) await flush()
    },
    queue: (text) => {
      waiting += text
    },
  }
  try {
    const result = await work(file)
    await flush()
    return result
  } catch (error) {
    // The first error wins; what is known of the run is still written if possible.
    await flush().catch(() => undefined)
    throw error
  } finally {
    await handle.close()
  }
}

const create = async (path: string): Promise<FileHandle> => {
  try {
    // Never overwrites a file.
    return await openPrivateFile(path, 'create')
  } catch (error) {
    if (error instanceof OperatorError) throw error
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw notWritten(path, error, ExitCode.usage)
    throw new OperatorError('history_exists', `${path} already exists`, {
      hint: 'name a file that does not exist yet: --history FILE',
      cause: error,
    })
  }
}

const append = async (handle: FileHandle, path: string, text: string): Promise<void> => {
  try {
    await handle.appendFile(text)
  } catch (error) {
    throw notWritten(path, error, ExitCode.no)
  }
}

const notWritten = (path: string, cause: unknown, exitCode: ExitCode): OperatorError => {
  const reason = fileReason(cause) ?? String(cause)
  return new OperatorError('history_not_written', `cannot write the operation log ${path}: ${reason}`, {
    cause,
    exitCode,
  })
}
