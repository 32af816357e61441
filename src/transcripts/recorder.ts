import { createHash, randomUUID } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { OperatorError } from '../errors.js'
import { isHeld, takeLock } from '../file-lock.js'
import { fileFailure } from '../file-reason.js'
import { openPrivateFile } from '../private-file.js'
import { recordingName } from './recording-names.js'
import {
  recordingLock,
  transcriptFooter,
  transcriptHeader,
  transcriptMessage,
  type RecordedMessage,
} from './transcript-format.js'

/** Writes a native transcript of committed messages without delaying acknowledgements. */
export interface Recorder {
  /** The file; a number is appended to its name when the name was taken. */
  readonly path: string
  /** Takes a message that was committed; returns at once. */
  record(recorded: RecordedMessage): void
  /** Writes what is left, and the footer. May be called twice. */
  close(): Promise<void>
}

export interface RecorderOptions {
  readonly path: string
  /** Called when the recording ends early, and again when it is closed. */
  readonly onStopped: (message: string) => void
}

/** Bytes that may wait for the disk; beyond that the recording ends, since a transcript with gaps would be worse. */
const MOST_WAITING_BYTES = 32 * 1_048_576

/**
 * Begins a transcript. An existing file is kept and FILE.1, FILE.2, … is used instead: a server that restarts after a
 * crash must not fail because of it.
 * @throws OperatorError `recording_failed`, `file_not_private`
 */
export const createRecorder = async ({ path: wanted, onStopped }: RecorderOptions): Promise<Recorder> => {
  const { file, path } = await openNew(wanted)
  // Whoever takes somebody out of a recording must not take it from the one who writes it.
  const id = randomUUID()
  const lock = await takeLock(recordingLock(id))
  const hash = createHash('sha256')
  let waiting: string[] = []
  let waitingBytes = 0
  let messages = 0
  let stopped: string | undefined
  let writing: Promise<void> | undefined

  const stop = (reason: string): void => {
    if (stopped !== undefined) return
    stopped = reason
    waiting = []
    waitingBytes = 0
    onStopped(`recording to ${path} stopped: ${reason}; the chat continues, and later messages are not recorded`)
  }
  const writeAll = async (): Promise<void> => {
    try {
      // Everything that is committed during a write goes into the next write.
      while (waiting.length > 0) {
        const text = waiting.join('')
        waiting = []
        waitingBytes = 0
        await file.appendFile(text)
        hash.update(text)
      }
    } catch (error) {
      stop(fileFailure(error as Error))
    } finally {
      writing = undefined
    }
  }
  const flush = async (): Promise<void> => {
    if (waiting.length > 0 || writing !== undefined) await (writing ??= writeAll())
  }
  const append = (line: string): void => {
    if (stopped !== undefined) return
    // A single message may be larger.
    if (waitingBytes > MOST_WAITING_BYTES) {
      stop('the disk is too slow')
      return
    }
    waiting.push(line)
    waitingBytes += Buffer.byteLength(line)
    void flush()
  }
  const finish = async (): Promise<void> => {
    await flush()
    if (stopped === undefined && messages > 0) append(transcriptFooter(messages, hash.copy().digest('hex')))
    await flush()
    if (stopped === undefined) await file.sync().catch((error: unknown) => stop(fileFailure(error as Error)))
    await file.close()
    if (!isHeld(lock)) await lock.release()
    if (stopped !== undefined) onStopped(`the recording ${path} is incomplete: it stopped because ${stopped}`)
  }

  let closing: Promise<void> | undefined
  return {
    path,
    record: (recorded) => {
      if (closing !== undefined || stopped !== undefined) return
      // Without a message the file stays empty, and the next server can use it.
      if (messages === 0) append(transcriptHeader(new Date(), id))
      messages += 1
      append(transcriptMessage(recorded))
    },
    close: () => (closing ??= finish()),
  }
}

interface Opened {
  readonly file: FileHandle
  readonly path: string
}

const openNew = async (wanted: string): Promise<Opened> => {
  for (let number = 0; ; number += 1) {
    const path = recordingName(wanted, number)
    const file = await openIfEmpty(path)
    if (file !== undefined) return { file, path }
  }
}

/** @returns undefined when the file is not empty */
const openIfEmpty = async (path: string): Promise<FileHandle | undefined> => {
  // Transcripts contain personal data: only the owner may read them.
  const file = await openPrivateFile(path, 'append').catch((cause: unknown) => {
    if (cause instanceof OperatorError) throw cause
    throw new OperatorError('recording_failed', `${path} cannot be written: ${fileFailure(cause as Error)}`, {
      hint: 'name a file in a folder that exists and may be written to',
      cause,
    })
  })
  const { size } = await file.stat()
  if (size === 0) return file
  await file.close()
  return undefined
}
