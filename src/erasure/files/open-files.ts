import { readdir, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { OperatorError } from '../../errors.js'
import { isHeld, takeLock, type FileLock, type HeldLock } from '../../file-lock.js'
import { hasCode } from '../../file-reason.js'
import { readRange, syncFolder } from '../../journal/journal-file.js'
import { lockJournal } from '../../journal/journal-lock.js'
import { readJournal } from '../../journal/read-journal.js'
import { openPrivateFile, removeDrafts, replacePrivateFile } from '../../private-file.js'
import type { ProgressUpdate } from '../../terminal/progress.js'
import { fileReplaced, hasSecondName, notAJournalFile, recordingInUse } from './file-errors.js'
import { inspectRecording } from './inspect-recording.js'
import { journalLines, rejectedLines } from './journal-lines.js'
import { realPaths, recordingPaths } from './named-paths.js'
import type { FileKind, FileLine, LineFormat } from './person-file.js'
import { tellingPercent } from './reading.js'
import { recordingLines } from './recording-lines.js'

/** Flags that name files. */
export interface FileFlags {
  readonly journal?: readonly string[] | undefined
  readonly recording?: readonly string[] | undefined
}

/** A file that may hold lines of a person. */
export interface OpenedFile {
  readonly kind: FileKind
  readonly path: string
  /** Reads it from its start. */
  lines(): AsyncIterable<FileLine>
  /** Replaces the file by one without some of its lines: a crash leaves either the old one or the new one. */
  rewrite(isKept: (line: FileLine) => boolean): Promise<void>
}

/** The files, and others beside them that cannot be read. */
export interface OpenedFiles {
  readonly files: readonly OpenedFile[]
  readonly setAside: readonly string[]
}

export interface OpenOptions {
  readonly cwd: string
  readonly signal: AbortSignal
  /** To change them takes their locks; to read them does not. */
  readonly access: 'read' | 'change'
  /** Told how far a large file is read: each is read several times. */
  readonly onProgress: (update: ProgressUpdate) => void
}

const FORMATS: Readonly<Record<FileKind, LineFormat>> = {
  journal: journalLines,
  acknowledged: journalLines,
  rejected: rejectedLines,
  recording: recordingLines,
}

/**
 * Opens the files for as long as the work lasts: the journals with what stands beside them, and the recordings with
 * later ones of the same name.
 * @throws OperatorError `journal_in_use`, `journal_damaged`, `not_a_journal`, `recording_in_use`, `not_a_recording`, `file_not_private` …
 */
export const withPersonFiles = async <T>(
  { journal = [], recording = [] }: FileFlags,
  options: OpenOptions,
  work: (opened: OpenedFiles) => Promise<T>,
): Promise<T> => {
  const closing: (() => Promise<void>)[] = []
  const taken = new Set<string>()
  const opening: Opening = {
    ...options,
    onClose: (close) => closing.unshift(close),
    holdLock: async (name, take) => {
      if (taken.has(name)) return
      const lock = await take()
      taken.add(name)
      closing.unshift(() => lock.release())
    },
  }
  try {
    const setAside: string[] = []
    const files: OpenedFile[] = []
    for (const path of await realPaths(journal, options.cwd)) {
      files.push(...(await openJournal(path, opening)))
      setAside.push(...(await damagedBeside(path)))
    }
    for (const path of await recordingPaths(recording, options.cwd)) files.push(await openRecording(path, opening))
    return await work({ files, setAside })
  } finally {
    for (const close of closing) await close()
  }
}

interface Opening extends OpenOptions {
  readonly onClose: (close: () => Promise<void>) => void
  /** Takes a lock until the end of the work. A file and its copy have one id, and share one lock. */
  readonly holdLock: (name: string, take: () => Promise<FileLock>) => Promise<void>
}

const openJournal = async (path: string, opening: Opening): Promise<readonly OpenedFile[]> => {
  const first = await open(path, opening)
  const id = await journalId(first, path)
  if (id !== undefined && opening.access === 'change')
    await opening.holdLock(`journal ${id}`, () => lockJournal(id, path))
  const journal = await toOpened('journal', path, first, opening)
  const beside: readonly (readonly [FileKind, string])[] = [
    ['acknowledged', `${path}.acknowledged`],
    ['rejected', `${path}.rejected`],
  ]
  const files = [journal]
  for (const [kind, name] of beside) {
    const handle = await open(name, opening).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error
    })
    if (handle !== undefined) files.push(await toOpened(kind, name, handle, opening))
  }
  return files
}

const journalId = async (handle: FileHandle, path: string): Promise<string | undefined> => {
  try {
    for await (const part of readJournal(readRange(handle, 0, (await handle.stat()).size), path))
      return part.kind === 'header' ? part.header.id : undefined
  } catch (error) {
    throw error instanceof OperatorError && error.code === 'not_a_journal' ? notAJournalFile(path, error) : error
  }
  return undefined
}

/** Files of acknowledged messages that a server found damaged, and renamed. */
const damagedBeside = async (path: string): Promise<readonly string[]> => {
  const start = `${basename(path)}.acknowledged.damaged`
  return (await readdir(dirname(path)))
    .filter((name) => name.startsWith(start))
    .map((name) => resolve(dirname(path), name))
}

const openRecording = async (path: string, opening: Opening): Promise<OpenedFile> => {
  const handle = await open(path, opening)
  const { lock } = await inspectRecording(path, () => chunksOf(handle, path, opening), opening)
  if (opening.access === 'change') {
    const { dev, ino } = await handle.stat()
    const name = lock ?? `chatkeep-file-${dev}-${ino}`
    await opening.holdLock(name, () => lockRecording(name, path))
  }
  return toOpened('recording', path, handle, opening)
}

const lockRecording = async (name: string, path: string): Promise<FileLock> => {
  const lock: FileLock | HeldLock = await takeLock(name)
  if (isHeld(lock)) throw recordingInUse(path, lock.holder)
  return lock
}

const open = async (path: string, { access, onClose }: Opening): Promise<FileHandle> => {
  const handle = await openPrivateFile(path, access === 'change' ? 'update' : 'read')
  onClose(() => handle.close())
  if (access === 'change' && (await handle.stat()).nlink > 1) throw hasSecondName(path)
  return handle
}

async function* chunksOf(
  handle: FileHandle,
  path: string,
  { onProgress }: Pick<OpenOptions, 'onProgress'>,
): AsyncGenerator<Buffer> {
  const sizeBytes = (await handle.stat()).size
  yield* tellingPercent(readRange(handle, 0, sizeBytes), { path, sizeBytes }, onProgress)
}

const toOpened = async (
  kind: FileKind,
  path: string,
  opened: FileHandle,
  { access, signal, onClose, onProgress }: Opening,
): Promise<OpenedFile> => {
  const { readLines, createWriter } = FORMATS[kind]
  // Those of an erasure that was killed; the holder of the lock may remove them.
  if (access === 'change') await removeDrafts(path)
  let handle = opened
  const sizeBytes = (await handle.stat()).size
  async function* lines(): AsyncGenerator<FileLine> {
    for await (const line of readLines(chunksOf(handle, path, { onProgress }), path)) {
      signal.throwIfAborted()
      yield line
    }
  }
  let expectedBytes = sizeBytes
  return {
    kind,
    path,
    lines,
    rewrite: async (isKept) => {
      const { mode, gid, ino, dev, size } = await handle.stat()
      const named = await stat(path)
      if (named.ino !== ino || named.dev !== dev || size !== expectedBytes) throw fileReplaced(path)
      const replaced = await replacePrivateFile(path, async (draft) => {
        const write = createWriter()
        for await (const part of inParts(lines(), (line) => write(line, isKept(line)))) await draft.appendFile(part)
        if ((await draft.stat()).gid !== gid) await draft.chown((await draft.stat()).uid, gid)
        await draft.chmod(mode & 0o7777)
      })
      onClose(() => replaced.close())
      handle = replaced
      expectedBytes = (await replaced.stat()).size
      await syncFolder(dirname(path))
    },
  }
}

const PART_BYTES = 1_048_576

async function* inParts(lines: AsyncIterable<FileLine>, write: (line: FileLine) => Buffer): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let sizeBytes = 0
  for await (const line of lines) {
    const bytes = write(line)
    parts.push(bytes)
    sizeBytes += bytes.length
    if (sizeBytes < PART_BYTES) continue
    yield Buffer.concat(parts)
    parts = []
    sizeBytes = 0
  }
  yield Buffer.concat(parts)
}
