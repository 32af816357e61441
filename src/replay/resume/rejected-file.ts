import type { FileHandle } from 'node:fs/promises'
import { ExitCode, OperatorError } from '../../errors.js'
import { fileFailure } from '../../file-reason.js'
import { openPrivateFile } from '../../private-file.js'

/** Keeps rejected lines unchanged and in order, in a file that can be replayed once it is corrected. */
export interface RejectedFile {
  /** Keeps a line that may be rejected later; `bytes` is undefined for a line that was too long to read. */
  hold(line: number, bytes: Buffer | undefined): void
  reject(line: number): void
  release(line: number): void
  /** Writes what was rejected up to this line. @returns the size of the file @throws OperatorError `rejected_file_failed` */
  writeUpTo(line: number): Promise<number>
  close(): Promise<void>
}

export interface RejectedFileOptions {
  readonly path: string
  /** The first line of a transcript that needs one to be understood. */
  readonly header: Buffer | undefined
  /** Size up to which an earlier run wrote it; when undefined, the file must be missing or empty. */
  readonly continueAt: number | undefined
}

/** @throws OperatorError `rejected_file_exists`, `rejected_file_failed`, `file_not_private` */
export const openRejectedFile = async ({ path, header, continueAt }: RejectedFileOptions): Promise<RejectedFile> => {
  const failed = (cause: unknown): OperatorError => rejectedFileFailed(path, cause)
  const file = await openPrivateFile(path, 'append').catch((cause: unknown) => {
    throw cause instanceof OperatorError ? cause : unusable(path, cause)
  })
  let sizeBytes = await beginAt(file, path, continueAt)
  const held = new Map<number, Buffer>()
  const rejected = new Set<number>()

  const write = async (lines: readonly Buffer[]): Promise<void> => {
    const start = sizeBytes === 0 && header !== undefined ? [header] : []
    const bytes = Buffer.concat([...start, ...lines].flatMap((line) => [line, LINE_FEED]))
    await file.appendFile(bytes).catch((cause: unknown) => {
      throw failed(cause)
    })
    sizeBytes += bytes.length
  }
  return {
    hold: (line, bytes) => {
      if (bytes !== undefined && !held.has(line)) held.set(line, Buffer.from(bytes))
    },
    reject: (line) => void rejected.add(line),
    release: (line) => {
      if (!rejected.has(line)) held.delete(line)
    },
    writeUpTo: async (last) => {
      const due = [...rejected].filter((line) => line <= last).toSorted((one, other) => one - other)
      if (due.length === 0) return sizeBytes
      const lines = due.flatMap((line) => held.get(line) ?? [])
      for (const line of due) {
        rejected.delete(line)
        held.delete(line)
      }
      if (lines.length > 0) await write(lines)
      return sizeBytes
    },
    close: () => file.close(),
  }
}

const LINE_FEED = Buffer.from('\n')

const beginAt = async (file: FileHandle, path: string, continueAt: number | undefined): Promise<number> => {
  const { size } = await file.stat()
  if (size === 0) return 0
  if (continueAt !== undefined && size >= continueAt) {
    // Anything after it belongs to lines that are sent again.
    await file.truncate(continueAt)
    return continueAt
  }
  await file.close()
  throw new OperatorError('rejected_file_exists', `${path} already exists and is not overwritten`, {
    hint: 'name another file for --rejected, or rename this one',
  })
}

const unusable = (path: string, cause: unknown): OperatorError =>
  new OperatorError('rejected_file_failed', `${path} cannot be used for --rejected: ${fileFailure(cause as Error)}`, {
    hint: 'name a file in a folder that exists and may be written to',
    cause,
  })

const rejectedFileFailed = (path: string, cause: unknown): OperatorError => {
  const reason = fileFailure(cause as Error)
  return new OperatorError('rejected_file_failed', `rejected lines cannot be written to ${path}: ${reason}`, {
    hint: 'make room, or name another file for --rejected; a second run stores nothing twice',
    exitCode: ExitCode.no,
    cause,
  })
}
