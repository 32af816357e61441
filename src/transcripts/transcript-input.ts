import { createHash } from 'node:crypto'
import { constants, openSync } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { Socket } from 'node:net'
import { resolve } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ExitCode, OperatorError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import { copyInput } from './copy-input.js'
import { refuseForeignFormat, type FileStart } from './foreign-formats.js'

/** A transcript that can be read more than once. */
export interface TranscriptInput {
  /** Its name in messages. */
  readonly name: string
  /** Its first bytes, decompressed. */
  readonly start: Buffer
  /**
   * Reads it from its start, decompressed, up to the size that it had when it was opened.
   * @throws OperatorError `input_damaged`
   */
  read(): AsyncIterable<Buffer>
  /** Lines whose messages are left out, because they are stored already. */
  readonly leftOut?: ReadonlySet<number> | undefined
  /** Distinguishes it from others: size, and SHA-256 of the first 64 KiB, hexadecimal. */
  identity(): Promise<{ readonly sizeBytes: number; readonly headSha256: string }>
}

export interface TranscriptSource {
  /** `-` for standard input. */
  readonly path: string
  readonly cwd: string
  readonly stdin: NodeJS.ReadableStream
  readonly signal: AbortSignal
}

/**
 * Opens a transcript for as long as the work lasts. Standard input and pipes, which can be read only once, are copied
 * to a file first.
 * @throws OperatorError `input_unreadable`, `unknown_transcript_format`, `input_is_utf16`, `copy_failed`
 */
export const withTranscript = async <T>(
  source: TranscriptSource,
  work: (input: TranscriptInput) => Promise<T>,
): Promise<T> => {
  const name = source.path === '-' ? 'stdin' : source.path
  const { file, typed } = await openSource(source)
  try {
    const { size } = await file.stat()
    const gzip = await isGzip(file)
    const opened = { name, size, gzip }
    const start = await readStart(file, opened)
    refuseForeignFormat(name, typed, { ...start, gzip })
    return await work({
      name,
      start: start.bytes,
      read: () => readFrom(file, opened),
      identity: () => identify(file, size),
    })
  } finally {
    await file.close()
  }
}

const HEAD_BYTES = 65_536

const identify = async (file: FileHandle, sizeBytes: number) => {
  const length = Math.min(HEAD_BYTES, sizeBytes)
  const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, length, 0)
  return { sizeBytes, headSha256: createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex') }
}

interface OpenedSource {
  readonly file: FileHandle
  /** How a command names it; what a pipe held can be read only once. */
  readonly typed: string
}

const openSource = async ({ path, cwd, stdin, signal }: TranscriptSource): Promise<OpenedSource> => {
  if (path === '-') return { file: await copyInput(stdin, signal), typed: 'FILE' }
  const absolute = resolve(cwd, path)
  const status = await stat(absolute)
  if (status.isFile()) return { file: await open(absolute), typed: shellWord(path) }
  if (status.isFIFO()) return { file: await copyInput(readPipe(absolute), signal), typed: 'FILE' }
  throw new OperatorError(
    'input_unreadable',
    `${path} is a ${status.isDirectory() ? 'folder' : status.isSocket() ? 'socket' : 'device'}, not a transcript`,
    { hint: 'name a file with one JSON object a line, plain or gzip, or - for standard input' },
  )
}

// Opened without waiting for its writer: a thread that waits could not be stopped. The socket waits instead.
const readPipe = (path: string): Socket =>
  new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false })

// The first bytes decide; the name of the file may be wrong.
const isGzip = async (file: FileHandle): Promise<boolean> => {
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0)
  return buffer.toString('hex') === '1f8b'
}

const readStart = async (file: FileHandle, opened: OpenedFile): Promise<Omit<FileStart, 'gzip'>> => {
  const pieces: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const piece of readFrom(file, opened)) {
      if (sizeBytes >= HEAD_BYTES) return { bytes: Buffer.concat(pieces), isWhole: false }
      pieces.push(piece)
      sizeBytes += piece.length
    }
  } catch {
    // Reported when the file is read whole: what comes before the damage can be replayed.
    return { bytes: Buffer.concat(pieces), isWhole: false }
  }
  return { bytes: Buffer.concat(pieces), isWhole: true }
}

interface OpenedFile {
  readonly name: string
  readonly size: number
  readonly gzip: boolean
}

async function* readFrom(file: FileHandle, { name, size, gzip }: OpenedFile): AsyncGenerator<Buffer> {
  if (size === 0) return
  const bytes = readPieces(file, size)
  // Without the callback, errors would not reach the stream that is read.
  const unpacked = (): Readable => pipeline(Readable.from(bytes), createGunzip(), () => undefined)
  try {
    yield* gzip ? (unpacked() as AsyncIterable<Buffer>) : bytes
  } catch (cause) {
    throw damaged(name, cause)
  }
}

const PIECE_BYTES = 65_536

// A stream on the handle would close it when its reader stops early.
async function* readPieces(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < size;) {
    const length = Math.min(PIECE_BYTES, size - position)
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

const damaged = (name: string, cause: unknown): OperatorError => {
  const { code, message } = cause as NodeJS.ErrnoException
  const reasons: Readonly<Record<string, string>> = {
    Z_BUF_ERROR: 'is truncated: its gzip data ends too early',
    Z_DATA_ERROR: `is damaged: its gzip data cannot be decompressed (${message})`,
  }
  return new OperatorError(
    'input_damaged',
    `${name} ${reasons[code ?? ''] ?? `cannot be read any further: ${message}`}`,
    {
      hint: 'get the file again and run the same command: what was saved is not stored twice',
      exitCode: ExitCode.no,
      cause,
    },
  )
}
