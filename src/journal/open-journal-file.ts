import { randomUUID } from 'node:crypto'
import { link, realpath, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OperatorError } from '../errors.js'
import { openPrivateFile, refuseForeignLink, removeDrafts } from '../private-file.js'
import { journalNotCreated, notAJournal } from './journal-errors.js'
import { readRange, syncFolder } from './journal-file.js'
import { headerLine, type JournalEntry } from './journal-line.js'
import { looksLikeJournal, readJournal, type JournalPart } from './read-journal.js'

/** A file in the format of a journal, whose lines have not been read yet. */
export interface FoundJournalFile {
  readonly path: string
  readonly handle: FileHandle
  readonly headerBytes: number
  readonly id: string
}

/** A last line that was not written completely. */
export type TornLine = Extract<JournalPart, { readonly kind: 'torn' }>

/**
 * Opens a file in the format of a journal, creates it if it does not exist, and closes it if the work fails.
 * @throws OperatorError `not_a_journal`, `journal_damaged`, `journal_version_unknown`, `file_not_private`
 */
export const openJournalFile = async <T>(wanted: string, work: (found: FoundJournalFile) => Promise<T>): Promise<T> => {
  const path = await findOrMake(wanted)
  const handle = await openPrivateFile(path, 'update')
  try {
    await checkKind(handle, path)
    return await work({ path, handle, ...(await readHeader(handle, path)) })
  } catch (error) {
    await handle.close()
    throw error
  }
}

/**
 * Reads all entries, and cuts off an incomplete last line.
 * @returns where the last entry ends, and the sequence number of the next
 * @throws OperatorError `journal_damaged`
 */
export const loadEntries = async (
  { path, handle, headerBytes }: FoundJournalFile,
  onEntry: (entry: JournalEntry, end: number) => void,
  onTorn: (torn: TornLine) => Promise<void>,
): Promise<{ readonly end: number; readonly nextSeq: number }> => {
  let [end, nextSeq] = [headerBytes, 1]
  for await (const part of readJournal(chunksOf(handle), path)) {
    if (part.kind === 'entry') {
      end = part.end
      nextSeq = part.entry.seq + 1
      onEntry(part.entry, end)
    } else if (part.kind === 'torn') await onTorn(part)
  }
  await handle.chmod(0o600)
  await removeDrafts(path)
  await handle.truncate(end)
  await handle.sync()
  return { end, nextSeq }
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
