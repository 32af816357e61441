import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { OperatorError } from '../errors.js'
import { stoppedReadingInput } from './transcript-errors.js'

/**
 * Copies a stream to a file without a name, which is gone with its handle however the process ends.
 * @throws OperatorError `copy_failed`, and the signal's reason in the words of `stoppedReadingInput`
 */
export const copyInput = async (stream: NodeJS.ReadableStream, signal: AbortSignal): Promise<FileHandle> => {
  const file = await openNameless()
  try {
    await pipeline(stream, (chunks: AsyncIterable<Buffer | string>) => appendAll(chunks, file), { signal })
    return file
  } catch (cause) {
    await file.close()
    if (signal.aborted) throw stoppedReadingInput(signal)
    throw new OperatorError('copy_failed', `the input cannot be copied to ${tmpdir()}: ${(cause as Error).message}`, {
      hint: 'name a folder with enough room in TMPDIR, or name a file instead of a pipe',
      cause,
    })
  }
}

const appendAll = async (chunks: AsyncIterable<Buffer | string>, file: FileHandle): Promise<void> => {
  for await (const chunk of chunks) await file.appendFile(chunk)
}

// Transcripts contain personal data: only the owner may read the copy, and a crash must leave none behind.
const openNameless = async (): Promise<FileHandle> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-replay-'))
  try {
    return await open(join(folder, 'input'), 'wx+', 0o600)
  } finally {
    await rm(folder, { recursive: true })
  }
}
