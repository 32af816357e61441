import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { journalChanged, journalFull, journalNotWritten } from './journal-errors.js'
import { createSerialQueue } from '../concurrency/serial-queue.js'

/** The bytes of a journal, with everything that could go wrong on a disk. */
export interface JournalFile {
  /** Offset behind the last byte that is safe on the disk. */
  readonly end: number
  /**
   * Adds a line. Calls at the same time share one write and one fdatasync.
   * @param makeLine called when it is the line's turn, with its sequence number
   * @returns resolves when the line is safe on the disk
   * @throws OperatorError `journal_full`, `journal_disk_full`, `journal_changed`, `journal_not_written`: nothing was kept of it
   */
  append(sizeBytes: number, makeLine: (seq: number) => Buffer): Promise<void>
  /** Reads from an offset on, to the end. */
  read(offset: number): AsyncIterable<Buffer>
  /** Resolves when no line is under way. */
  idle(): Promise<void>
  /** Leaves nothing but the header. @throws OperatorError `journal_changed` when it is not the file that it was */
  clear(): Promise<void>
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
  /** False when what the kernel has in memory may differ from what is on the disk, and it would not say so again. */
  let isSound = true
  let waiting: WaitingLine[] = []
  let waitingBytes = 0
  let lastTurn: Promise<unknown> = Promise.resolve()

  const append = (sizeBytes: number, makeLine: (seq: number) => Buffer): Promise<void> => {
    if (end + waitingBytes + sizeBytes > maxBytes) return Promise.reject(journalFull(path, maxBytes))
    waitingBytes += sizeBytes
    return new Promise((succeed, fail) => {
      waiting.push({ makeLine, sizeBytes, succeed, fail })
      // One turn takes whatever has gathered while the one before was on its way to the disk.
      if (waiting.length === 1) lastTurn = inTurn(writeGroups)
    })
  }

  const writeGroups = async (): Promise<void> => {
    // Calls of one turn of the event loop go into one group.
    await new Promise(setImmediate)
    while (waiting.length > 0) {
      const group = takeGroup()
      try {
        await write(group)
        for (const { succeed } of group) succeed()
      } catch (error) {
        for (const { fail } of group) fail(journalNotWritten(path, error))
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
    if (!isSound) await moveToNewFile(end)
    await checkUnchanged()
    const bytes = Buffer.concat(group.map(({ makeLine }, index) => makeLine(nextSeq + index)))
    try {
      await writeFully(handle, bytes, end)
    } catch (error) {
      await cutBack()
      throw error
    }
    try {
      await handle.datasync()
    } catch (error) {
      // The kernel reports a failed write-back once and then takes the pages for clean: a later fsync of this file that
      // succeeds proves nothing. What was answered before lies in pages that were synced, so a new file can be made of it.
      isSound = false
      await handle.truncate(end).catch(() => undefined)
      throw error
    }
    end += bytes.length
    nextSeq += group.length
  }

  const cutBack = async (): Promise<void> => {
    try {
      await handle.truncate(end)
      await handle.datasync()
    } catch {
      // The first error wins; the file is made anew before anything else is written.
      isSound = false
    }
  }

  // Somebody may have moved the file away, or taken it for a log and emptied it.
  const checkUnchanged = async (): Promise<void> => {
    const [own, named] = await Promise.all([handle.stat(), stat(path).catch(ifMissing)])
    if (named?.ino !== own.ino || named.dev !== own.dev) throw journalChanged(path, 'was moved, removed or replaced')
    if (own.size !== end)
      throw journalChanged(path, `was changed by somebody else: it has ${own.size} bytes, not ${end}`)
  }

  /** Makes a new file of the first bytes and puts it in the place of the old one; whoever reads the old one can finish. */
  const moveToNewFile = async (keepBytes: number): Promise<void> => {
    const draft = `${path}.new`
    const next = await open(draft, 'w+', 0o600)
    try {
      for await (const chunk of readRange(handle, 0, keepBytes)) await next.appendFile(chunk)
      await next.sync()
      await rename(draft, path)
    } catch (error) {
      await next.close()
      await rm(draft, { force: true })
      throw error
    }
    const old = handle
    handle = next
    end = keepBytes
    // Until its name is safe, a power cut could bring back the old file.
    isSound = false
    await old.close()
    await syncFolder(dirname(path))
    isSound = true
  }

  const clear = (): Promise<void> =>
    inTurn(async () => {
      if (isSound) await checkUnchanged()
      try {
        await moveToNewFile(headerBytes)
      } catch {
        // No room for a second file, or its place cannot be taken: cutting needs neither.
        end = headerBytes
        await cutBack()
      }
    })

  return {
    get end() {
      return end
    },
    append,
    read: (offset) => readRange(handle, offset, end),
    idle: async () => {
      await lastTurn
    },
    clear,
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

/** Reads bytes of a file, without moving anything that others read by. */
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

/** Without this the file's name may be gone after a power cut, however well its bytes are kept. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
