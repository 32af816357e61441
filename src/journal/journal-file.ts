import { open, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isDiskFull, journalChanged, journalFull, journalNotWritten } from './journal-errors.js'
import { createSerialQueue } from '../concurrency/serial-queue.js'
import { replacePrivateFile } from '../private-file.js'

/** The file of a journal: writing, syncing and replacing it, with every failure of a disk. */
export interface JournalFile {
  /** Offset behind the last byte that is on the disk. */
  readonly end: number
  /** How many bytes were removed from its beginning since it was opened: with them, a position stays the same. */
  readonly removedBytes: number
  /** Largest size of the file. */
  readonly maxBytes: number
  /** Whether a line was refused for lack of room that would fit into an empty file, and there is no room for it yet. */
  readonly lacksRoom: boolean
  /**
   * Appends a line. Concurrent calls share one write and one fdatasync.
   * @param makeLine called with the line's sequence number when it is its turn
   * @returns resolves when the line is on the disk
   * @throws OperatorError `journal_full`, `journal_disk_full`, `journal_changed`, `journal_not_written`: the line was not kept
   */
  append(sizeBytes: number, makeLine: (seq: number) => Buffer): Promise<void>
  /**
   * Proves that a short line could be appended, or as long a one as was refused for lack of room: writes and syncs as many bytes,
   * and cuts them off again. @throws as `append`
   */
  prove(): Promise<void>
  /** Reads from an offset to the end. */
  read(offset: number): AsyncIterable<Buffer>
  /** Resolves when no line is being written. */
  idle(): Promise<void>
  /** Removes all lines but the header. @throws OperatorError `journal_changed` when another process replaced or changed the file */
  clear(): Promise<void>
  /** Removes the lines before a position, an offset and `removedBytes` together. @throws as `clear`, and errors of the disk */
  dropBefore(position: number): Promise<void>
  close(): Promise<void>
}

export interface OpenedJournalFile {
  readonly path: string
  readonly handle: FileHandle
  readonly headerBytes: number
  readonly end: number
  readonly nextSeq: number
  readonly maxBytes: number
}

const GROUP_BYTES = 4 * 1_048_576
const READ_BYTES = 1_048_576

/** Blanks without a line feed: after a crash they are an incomplete last line. */
const makeProof = (sizeBytes: number): Buffer => Buffer.alloc(sizeBytes, ' ')
const LEAST_PROOF_BYTES = 1_024

interface WaitingLine {
  readonly makeLine: (seq: number) => Buffer
  readonly sizeBytes: number
  readonly succeed: () => void
  readonly fail: (error: unknown) => void
}

export const createJournalFile = (opened: OpenedJournalFile): JournalFile => {
  const { path, headerBytes, maxBytes } = opened
  const inTurn = createSerialQueue()
  let { handle, end, nextSeq } = opened
  /** False when the kernel's pages may differ from the disk and a later fsync would not report it. */
  let isSound = true
  let removedBytes = 0
  let waiting: WaitingLine[] = []
  let waitingBytes = 0
  /** Size of the longest line that was refused for lack of room since there was room for it. */
  let lackedBytes = 0
  let lastTurn: Promise<unknown> = Promise.resolve()

  const append = (sizeBytes: number, makeLine: (seq: number) => Buffer): Promise<void> => {
    if (end + waitingBytes + sizeBytes > maxBytes) {
      noteLack(sizeBytes)
      return Promise.reject(journalFull(path, maxBytes))
    }
    waitingBytes += sizeBytes
    return new Promise((succeed, fail) => {
      waiting.push({ makeLine, sizeBytes, succeed, fail })
      // One turn writes all lines that arrived during the one before.
      if (waiting.length === 1) lastTurn = inTurn(writeGroups)
    })
  }

  // A line that even an empty file could not hold says nothing about its room.
  const noteLack = (sizeBytes: number): void => {
    if (headerBytes + sizeBytes <= maxBytes) lackedBytes = Math.max(lackedBytes, sizeBytes)
  }
  const noteRoom = (sizeBytes: number): void => {
    if (sizeBytes >= lackedBytes) lackedBytes = 0
  }

  const writeGroups = async (): Promise<void> => {
    // Calls within one turn of the event loop form one group.
    await new Promise(setImmediate)
    while (waiting.length > 0) {
      const group = takeGroup()
      try {
        await write(group)
        for (const { sizeBytes, succeed } of group) {
          noteRoom(sizeBytes)
          succeed()
        }
      } catch (error) {
        const failure = journalNotWritten(path, error)
        for (const { sizeBytes, fail } of group) {
          if (isDiskFull(failure)) noteLack(sizeBytes)
          fail(failure)
        }
      } finally {
        for (const { sizeBytes } of group) waitingBytes -= sizeBytes
      }
    }
  }

  const takeGroup = (): readonly WaitingLine[] => {
    let size = 0
    const beyond = waiting.findIndex(({ sizeBytes }, index) => (size += sizeBytes) > GROUP_BYTES && index > 0)
    const count = beyond === -1 ? waiting.length : beyond
    const group = waiting.slice(0, count)
    waiting = waiting.slice(count)
    return group
  }

  const write = async (group: readonly WaitingLine[]): Promise<void> => {
    const bytes = Buffer.concat(group.map(({ makeLine }, index) => makeLine(nextSeq + index)))
    await writeBehindEnd(bytes)
    end += bytes.length
    nextSeq += group.length
  }

  const prove = async (): Promise<void> => {
    const sizeBytes = Math.max(LEAST_PROOF_BYTES, lackedBytes)
    if (end + waitingBytes + sizeBytes > maxBytes) throw journalFull(path, maxBytes)
    await inTurn(async () => {
      await writeBehindEnd(makeProof(sizeBytes))
      await cutBack()
    }).catch((error: unknown) => {
      throw journalNotWritten(path, error)
    })
    noteRoom(sizeBytes)
  }

  /** Until the end is moved, the bytes are not part of the journal. */
  const writeBehindEnd = async (bytes: Buffer): Promise<void> => {
    if (!isSound) await moveToNewFile(end, end)
    await checkUnchanged()
    try {
      await writeFully(handle, bytes, end)
    } catch (error) {
      await cutBack()
      throw error
    }
    try {
      await handle.datasync()
    } catch (error) {
      // The kernel reports a failed write-back once and then marks the pages as clean: a later fsync of this file that succeeds
      // proves nothing. All acknowledged lines are in pages that were synced before, so a new file can be made from them.
      isSound = false
      await handle.truncate(end).catch(() => undefined)
      throw error
    }
  }

  const cutBack = async (): Promise<void> => {
    try {
      await handle.truncate(end)
      await handle.datasync()
    } catch {
      // The first error wins; a new file is made before the next write.
      isSound = false
    }
  }

  // Another process may have moved the file, or truncated it like a log.
  const checkUnchanged = async (): Promise<void> => {
    const [own, named] = await Promise.all([handle.stat(), stat(path).catch(ifMissing)])
    if (named?.ino !== own.ino || named.dev !== own.dev) throw journalChanged(path, 'was moved, removed or replaced')
    if (own.size !== end)
      throw journalChanged(path, `was changed by another process: it has ${own.size} bytes instead of ${end}`)
  }

  /** Replaces the file with a new one that lacks a range of it; readers of the old file can finish. */
  const moveToNewFile = async (cutFrom: number, cutTo: number): Promise<void> => {
    const next = await replacePrivateFile(path, async (draft) => {
      for await (const chunk of readRange(handle, 0, cutFrom)) await draft.appendFile(chunk)
      for await (const chunk of readRange(handle, cutTo, end)) await draft.appendFile(chunk)
    })
    const old = handle
    handle = next
    end -= cutTo - cutFrom
    removedBytes += cutTo - cutFrom
    // Until the folder is synced, a power cut could bring back the old file.
    isSound = false
    await old.close()
    await syncFolder(dirname(path))
    isSound = true
  }

  const clear = (): Promise<void> =>
    inTurn(async () => {
      if (isSound) await checkUnchanged()
      try {
        await moveToNewFile(headerBytes, end)
      } catch {
        // No space for a second file, or no permission to replace the first: truncating needs neither.
        removedBytes += end - headerBytes
        end = headerBytes
        await cutBack()
      }
      lackedBytes = 0
    })

  const dropBefore = (position: number): Promise<void> =>
    inTurn(async () => {
      if (isSound) await checkUnchanged()
      const cutTo = Math.min(position - removedBytes, end)
      if (cutTo > headerBytes) await moveToNewFile(headerBytes, cutTo)
    })

  return {
    get end() {
      return end
    },
    get removedBytes() {
      return removedBytes
    },
    maxBytes,
    get lacksRoom() {
      return lackedBytes > 0
    },
    append,
    prove,
    read: (offset) => readRange(handle, offset, end),
    idle: async () => {
      await lastTurn
    },
    clear,
    dropBefore,
    close: async () => {
      await lastTurn
      await inTurn(() => handle.close())
    },
  }
}

const ifMissing = (error: unknown): undefined => {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}

/** Reads a range of a file without moving its file position. */
export async function* readRange(handle: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let offset = from; offset < to;) {
    const size = Math.min(READ_BYTES, to - offset)
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(size), 0, size, offset)
    if (bytesRead === 0) throw journalChanged('file', 'became shorter while it was read')
    yield buffer.subarray(0, bytesRead)
    offset += bytesRead
  }
}

const writeFully = async (handle: FileHandle, bytes: Buffer, position: number): Promise<void> => {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/** Syncs a folder. Without it a new file's name may be lost in a power cut, although its content is on the disk. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
