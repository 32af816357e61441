import { randomUUID } from 'node:crypto'
import { link, realpath, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ChatLog } from '../chat-log.js'
import { OperatorError } from '../errors.js'
import { openPrivateFile, refuseForeignLink, removeDrafts } from '../private-file.js'
import { journalNotCreated, notAJournal } from './journal-errors.js'
import { createJournalFile, readRange, syncFolder } from './journal-file.js'
import { createJournal, type Journal } from './journal.js'
import { headerLine } from './journal-line.js'
import { lockJournal } from './journal-lock.js'
import { looksLikeJournal, readJournal } from './read-journal.js'
import { createRejected } from './rejected-entries.js'

export interface JournalOptions {
  readonly path: string
  /** Largest size of the file; 256 MiB when absent. */
  readonly maxBytes?: number | undefined
}

const DEFAULT_JOURNAL_BYTES = 256 * 1_048_576

/**
 * Opens a journal, creates it if it does not exist, takes its lock, and truncates an incomplete last write.
 * @throws OperatorError `journal_in_use`, `journal_damaged`, `not_a_journal`, `journal_version_unknown`, `file_not_private`
 */
export const openJournal = async (options: JournalOptions, log: ChatLog): Promise<Journal> => {
  const path = await findOrMake(options.path)
  await refuseForeignRejected(`${path}.rejected`)
  const handle = await openPrivateFile(path, 'update')
  try {
    await checkKind(handle, path)
    const { id, headerBytes } = await readHeader(handle, path)
    const lock = await lockJournal(id, path)
    try {
      return await load(
        { path, handle, headerBytes, maxBytes: options.maxBytes ?? DEFAULT_JOURNAL_BYTES },
        () => lock.release(),
        log,
      )
    } catch (error) {
      await lock.release()
      throw error
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

// It is written when a message is refused, which is too late to complain.
const refuseForeignRejected = async (path: string): Promise<void> => {
  const handle = await openPrivateFile(path, 'update').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  })
  await handle?.close()
}

// A symbolic link is resolved once: the file is replaced from time to time, the link is not.
const findOrMake = async (path: string): Promise<string> => {
  try {
    await refuseForeignLink(path)
    const status = await stat(path)
    if (!status.isFile()) throw notAJournal(path, 'it is not a regular file')
    if (status.size === 0) await rm(path)
    else return await realpath(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  await make(path)
  return realpath(path)
}

/** Under another name first: a reader never sees an incomplete header. */
const make = async (path: string): Promise<void> => {
  const draft = `${path}.${randomUUID()}`
  const handle = await openPrivateFile(draft, 'create').catch((cause: unknown) => {
    throw cause instanceof OperatorError ? cause : journalNotCreated(path, cause)
  })
  try {
    await handle.appendFile(headerLine(randomUUID()))
    await handle.sync()
    await link(draft, path)
  } catch (error) {
    // Another server created it first; the lock decides which of the two may use it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await handle.close()
    await rm(draft, { force: true })
  }
  await syncFolder(dirname(path))
}

/** Longer than any header. */
const START_BYTES = 1_024

const checkKind = async (handle: FileHandle, path: string): Promise<void> => {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(START_BYTES), 0, START_BYTES, 0)
  if (!looksLikeJournal(buffer.subarray(0, bytesRead)))
    throw notAJournal(path, 'it does not start with a journal header')
}

async function* chunksOf(handle: FileHandle): AsyncGenerator<Buffer> {
  yield* readRange(handle, 0, (await handle.stat()).size)
}

const readHeader = async (
  handle: FileHandle,
  path: string,
): Promise<{ readonly id: string; readonly headerBytes: number }> => {
  for await (const part of readJournal(chunksOf(handle), path)) {
    if (part.kind === 'header') return { id: part.header.id, headerBytes: part.end }
  }
  throw notAJournal(path, 'its header is incomplete')
}

interface OpenedFile {
  readonly path: string
  readonly handle: FileHandle
  readonly headerBytes: number
  readonly maxBytes: number
}

const load = async (found: OpenedFile, release: () => Promise<void>, log: ChatLog): Promise<Journal> => {
  const { path, handle, headerBytes } = found
  const rejected = createRejected(`${path}.rejected`)
  const waiting = []
  let end = headerBytes
  let nextSeq = 1
  for await (const part of readJournal(chunksOf(handle), path)) {
    if (part.kind === 'entry') {
      waiting.push(part.entry.message)
      end = part.end
      nextSeq = part.entry.seq + 1
    } else if (part.kind === 'torn') {
      // A line with a line feed may have been complete once; without one it was never acknowledged.
      if (part.terminated) await rejected.addBytes(part.bytes, `line ${part.line} of the journal has a wrong checksum`)
      logTorn(log, path, part)
    }
  }
  await handle.chmod(0o600)
  await removeDrafts(path)
  await handle.truncate(end)
  await handle.sync()
  const file = createJournalFile({ ...found, end, nextSeq })
  return createJournal({ path, file, firstEntry: { offset: headerBytes, line: 2 }, waiting, rejected, release })
}

const logTorn = (
  log: ChatLog,
  path: string,
  { line, bytes, terminated }: { line: number; bytes: Buffer; terminated: boolean },
): void =>
  log.warn(
    { event: 'journal_torn', journal: path, line, bytes: bytes.length },
    'the last line of the journal was incomplete and was removed; ' +
      (terminated ? `it is kept in ${path}.rejected` : 'its message was never acknowledged'),
  )
