import { createHash } from 'node:crypto'
import { journalDamaged, queuedConflict } from './journal-errors.js'
import type { JournalFile } from './journal-file.js'
import { entryLine, type JournalEntry } from './journal-line.js'
import { readJournal, type JournalPosition } from './read-journal.js'
import type { Rejected } from './rejected-entries.js'

/** Messages that were answered as queued and wait for the database, in the order in which they came. */
export interface Journal {
  readonly path: string
  readonly rejected: Rejected
  /** How many lines wait. */
  readonly waiting: number
  /** Where the first entry is. */
  readonly firstEntry: JournalPosition
  /**
   * Adds a message; one that waits there already is not added again.
   * @returns resolves when it is safe on the disk
   * @throws OperatorError `idempotency_conflict`, or why the journal did not take it
   */
  add(entry: Omit<JournalEntry, 'seq'>): Promise<void>
  /** The next entries from a position on, and where they end. */
  read(from: JournalPosition, most: number): Promise<JournalChunk>
  /** An entry is in the database, or was rejected. */
  settle(entry: JournalEntry): void
  /** Resolves when nothing is being added. */
  idle(): Promise<void>
  /** Forgets everything that was settled; nothing may wait. */
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
  readonly release: () => Promise<void>
}

/** A read of entries is ended by their bytes as well: images are large. */
const CHUNK_BYTES = 8 * 1_048_576

export const createJournal = ({ path, file, firstEntry, waiting: found, rejected, release }: JournalParts): Journal => {
  // Of a message that waits only hashes are kept, so the bound of the file bounds the memory, too.
  const waiting = new Map(found.map((message) => [keyOf(message), bodyOf(message)]))
  const beingAdded = new Map<string, Promise<void>>()
  let lines = found.length

  const add = async (entry: Omit<JournalEntry, 'seq'>): Promise<void> => {
    const [key, body] = [keyOf(entry.message), bodyOf(entry.message)]
    const known = waiting.get(key)
    if (known !== undefined && known !== body) throw queuedConflict(entry.messageId)
    if (known !== undefined) return beingAdded.get(key)
    waiting.set(key, body)
    lines += 1
    const sizeBytes = entryLine({ ...entry, seq: Number.MAX_SAFE_INTEGER }).length
    const added = file.append(sizeBytes, (seq) => entryLine({ ...entry, seq }))
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

  const read = async (from: JournalPosition, most: number): Promise<JournalChunk> => {
    const entries: JournalEntry[] = []
    let end = from
    for await (const part of readJournal(file.read(from.offset), path, from)) {
      if (part.kind === 'torn') throw journalDamaged(path, part.line, 'it was whole when it was written')
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
    add,
    read,
    settle: ({ message }) => {
      waiting.delete(keyOf(message))
      lines -= 1
    },
    idle: () => file.idle(),
    clear: () => file.clear(),
    close: async () => {
      await file.close()
      await release()
    },
  }
}

const HASH_BYTES = 16

const hash = (parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest().toString('latin1', 0, HASH_BYTES)

const keyOf = ({ idempotencyKey }: JournalEntry['message']): string => hash([idempotencyKey])

// What the core compares, too; but whom an operator writes to is known by the conversation, and by name perhaps only later.
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
