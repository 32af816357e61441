import { createHash } from 'node:crypto'
import type { Acknowledged } from './acknowledged.js'
import { isDiskFull, journalDamaged, queuedConflict } from './journal-errors.js'
import type { JournalFile } from './journal-file.js'
import { entryLine, type JournalEntry } from './journal-line.js'
import { readJournal, type JournalPosition } from './read-journal.js'
import type { Rejected } from './rejected-entries.js'

/** Messages that were acknowledged as queued and wait for the database, in order of arrival. */
export interface Journal {
  readonly path: string
  readonly rejected: Rejected
  /** Number of entries that are not settled. */
  readonly waiting: number
  /** When the oldest of them was received, in milliseconds since 1970; undefined without entries. */
  readonly oldestAt: number | undefined
  /** Size of the file; `maxBytes` is its largest. */
  readonly sizeBytes: number
  readonly maxBytes: number
  /** Whether a message was refused for lack of room, and there is no room for one of its size yet. */
  readonly lacksRoom: boolean
  /** Position of the first entry. */
  readonly firstEntry: JournalPosition
  /**
   * Adds a message, unless it is waiting already.
   * @returns resolves when the message is on the disk
   * @throws OperatorError `idempotency_conflict`, or the reason why the journal did not take it
   */
  add(entry: Omit<JournalEntry, 'seq'>): Promise<void>
  /** Keeps a message that is stored, in case a failover loses it; does nothing unless the journal was opened for it. */
  keepAcknowledged(makeEntry: () => Omit<JournalEntry, 'seq'>): Promise<void>
  /** Proves that it takes a message, also one as large as was refused for lack of room, by writing to the disk. @throws the reason why not */
  prove(): Promise<void>
  /** The next entries from a position on, and the position behind them. */
  read(from: JournalPosition, most: number): Promise<JournalChunk>
  /** Marks an entry as stored or rejected. */
  settle(entry: JournalEntry): void
  /** Resolves when no message is being added. */
  idle(): Promise<void>
  /** Removes all entries; every one has to be settled. */
  clear(): Promise<void>
  close(): Promise<void>
}

export interface JournalChunk {
  readonly entries: readonly JournalEntry[]
  readonly end: JournalPosition
}

export interface JournalParts {
  readonly path: string
  readonly file: JournalFile
  readonly firstEntry: JournalPosition
  readonly waiting: readonly JournalEntry['message'][]
  readonly rejected: Rejected
  readonly acknowledged: Acknowledged | undefined
  readonly release: () => Promise<void>
}

/** A chunk is bounded in bytes as well, since images are large. */
const CHUNK_BYTES = 8 * 1_048_576

export const createJournal = (parts: JournalParts): Journal => {
  const { path, file, firstEntry, waiting: found, rejected, acknowledged, release } = parts
  // Only hashes of the messages are kept: the size limit of the file bounds the memory, too.
  const waiting = new Map(found.map((message) => [keyOf(message), toWaiting(message)]))
  const beingAdded = new Map<string, Promise<void>>()
  let lines = found.length

  const add = async (entry: Omit<JournalEntry, 'seq'>): Promise<void> => {
    const [key, one] = [keyOf(entry.message), toWaiting(entry.message)]
    const known = waiting.get(key)
    if (known !== undefined && known.body !== one.body) throw queuedConflict(entry.messageId)
    if (known !== undefined) return beingAdded.get(key)
    waiting.set(key, one)
    lines += 1
    const sizeBytes = entryLine({ ...entry, seq: Number.MAX_SAFE_INTEGER }).length
    const added = append(sizeBytes, (seq) => entryLine({ ...entry, seq }))
    beingAdded.set(key, added)
    try {
      await added
    } catch (error) {
      waiting.delete(key)
      lines -= 1
      throw error
    } finally {
      beingAdded.delete(key)
    }
  }

  /** Messages that are stored make room for one that is not. */
  const append = async (sizeBytes: number, makeLine: (seq: number) => Buffer): Promise<void> => {
    try {
      await file.append(sizeBytes, makeLine)
    } catch (error) {
      if (!isDiskFull(error) || (await acknowledged?.giveWay()) !== true) throw error
      await file.append(sizeBytes, makeLine)
    }
    acknowledged?.fit()
  }

  const read = async (from: JournalPosition, most: number): Promise<JournalChunk> => {
    const entries: JournalEntry[] = []
    let end = from
    for await (const part of readJournal(file.read(from.offset), path, from)) {
      if (part.kind === 'torn') throw journalDamaged(path, part.line, 'it was complete when it was written')
      if (part.kind !== 'entry') continue
      entries.push(part.entry)
      end = { offset: part.end, line: part.line + 1 }
      if (entries.length === most || end.offset - from.offset > CHUNK_BYTES) break
    }
    return { entries, end }
  }

  return {
    path,
    rejected,
    firstEntry,
    get waiting() {
      return lines
    },
    get oldestAt() {
      // A map keeps the order in which its entries were set.
      const [oldest] = waiting.values()
      return oldest?.receivedAt
    },
    get sizeBytes() {
      return file.end
    },
    maxBytes: file.maxBytes,
    get lacksRoom() {
      return file.lacksRoom
    },
    add,
    keepAcknowledged: async (makeEntry) => acknowledged?.add(makeEntry()),
    prove: () => file.prove(),
    read,
    settle: ({ message }) => {
      waiting.delete(keyOf(message))
      lines -= 1
    },
    idle: () => file.idle(),
    clear: () => file.clear(),
    close: async () => {
      await acknowledged?.close()
      await file.close()
      await release()
    },
  }
}

interface Waiting {
  readonly body: string
  readonly receivedAt: number | undefined
}

const toWaiting = (message: JournalEntry['message']): Waiting => ({
  body: bodyOf(message),
  receivedAt: message.createdAt?.getTime(),
})

const HASH_BYTES = 16

const hash = (parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest().toString('latin1', 0, HASH_BYTES)

const keyOf = ({ idempotencyKey }: JournalEntry['message']): string => hash([idempotencyKey])

// The fields that the core compares. An operator's recipient is compared by conversation, since the name may not be known yet.
const bodyOf = (message: JournalEntry['message']): string =>
  hash([
    message.senderType,
    message.messageType,
    message.text,
    message.imageUrl,
    message.imageName,
    message.mimeType,
    message.senderType === 'CLIENT' ? message.guestUsername : null,
    message.sessionId,
  ])
