import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm, stat, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { pipeline as pipelineDone } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { ExitCode, OperatorError } from '../errors.js'
import { stoppedReadingInput } from './transcript-errors.js'

/** A transcript that can be read more than once. */
export interface TranscriptInput {
  /** How it is named to people. */
  readonly name: string
  /**
   * Reads it from its start, decompressed, up to the size that it had when it was opened.
   * @throws OperatorError `input_damaged`
   */
  read(): AsyncIterable<Buffer>
  /** What tells it from others: its size, and the hash of its first 64 KiB, hexadecimal. */
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
 * Opens a transcript for as long as the work lasts. What can be read only once, standard input or a pipe, is copied
 * first, to a file without a name, which is gone with its handle however the process ends.
 * @throws OperatorError `input_unreadable`, `input_is_utf16`, `copy_failed`
 */
export const withTranscript = async <T>(
  source: TranscriptSource,
  work: (input: TranscriptInput) => Promise<T>,
): Promise<T> => {
  const name = source.path === '-' ? 'stdin' : source.path
  const file = await openSource(source)
  try {
    const { size } = await file.stat()
    const compressed = await isCompressed(file, name)
    return await work({
      name,
      read: () => readFrom(file, { name, size, compressed }),
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

const openSource = async ({ path, cwd, stdin, signal }: TranscriptSource): Promise<FileHandle> => {
  if (path === '-') return copyToFile(stdin, signal)
  const absolute = resolve(cwd, path)
  const status = await stat(absolute)
  if (status.isFile()) return open(absolute)
  if (status.isFIFO()) return copyToFile(createReadStream(absolute), signal)
  throw new OperatorError(
    'input_unreadable',
    `${path} is a ${status.isDirectory() ? 'folder' : 'device'}, no transcript`,
    { hint: 'name a file with one JSON object a line, plain or gzip, or - for standard input' },
  )
}

const copyToFile = async (stream: NodeJS.ReadableStream, signal: AbortSignal): Promise<FileHandle> => {
  const file = await openNameless()
  try {
    await pipelineDone(stream, (chunks: AsyncIterable<Buffer | string>) => appendAll(chunks, file), { signal })
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

// Transcripts are personal data: nobody else may read the copy, and no crash may leave it behind.
const openNameless = async (): Promise<FileHandle> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-replay-'))
  try {
    return await open(join(folder, 'input'), 'wx+', 0o600)
  } finally {
    await rm(folder, { recursive: true })
  }
}

// The name says nothing: what matters is what the file begins with.
const isCompressed = async (file: FileHandle, name: string): Promise<boolean> => {
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0)
  const magic = buffer.toString('hex')
  if (magic === 'fffe' || magic === 'feff') {
    throw new OperatorError('input_is_utf16', `${name} is UTF-16, but a transcript is UTF-8`, {
      hint: 'convert it: iconv -f UTF-16 -t UTF-8',
    })
  }
  return magic === '1f8b'
}

interface OpenedFile {
  readonly name: string
  readonly size: number
  readonly compressed: boolean
}

async function* readFrom(file: FileHandle, { name, size, compressed }: OpenedFile): AsyncGenerator<Buffer> {
  if (size === 0) return
  const bytes = readPieces(file, size)
  // The callback is needed for the errors to arrive at the stream that is read from.
  const unpacked = (): Readable => pipeline(Readable.from(bytes), createGunzip(), () => undefined)
  try {
    yield* compressed ? (unpacked() as AsyncIterable<Buffer>) : bytes
  } catch (cause) {
    throw damaged(name, cause)
  }
}

const PIECE_BYTES = 65_536

// A stream on the handle would close it when its reader leaves early.
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
    Z_BUF_ERROR: 'is cut off: its gzip data end too early',
    Z_DATA_ERROR: `is damaged: its gzip data cannot be unpacked (${message})`,
  }
  return new OperatorError('input_damaged', `${name} ${reasons[code ?? ''] ?? `cannot be read on: ${message}`}`, {
    hint: 'get the file again and run the same command: what was saved is not doubled',
    exitCode: ExitCode.no,
    cause,
  })
}
