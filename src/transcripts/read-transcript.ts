import { MOST_LINE_BYTES } from '../persistence/content/message-size.js'
import { createAssignKey } from './ordinals.js'
import { identifyTranscript } from './formats/index.js'
import { isRejected, type LineContent, type LineReader } from './formats/line-reader.js'
import { BYTE_ORDER_MARK, splitLines, type RawLine } from './split-lines.js'
import type { TranscriptMessage } from './transcript-line.js'

/** A message with its place in the transcript and its key. */
export interface KeyedMessage {
  readonly line: number
  readonly message: TranscriptMessage
  readonly key: string
  readonly sizeBytes: number
  /** In an export: the id that its row had. */
  readonly storedId?: number | undefined
}

/** A message, or a rejected line. Blank lines are skipped; a line of some formats has several messages. */
export type TranscriptEntry =
  | (KeyedMessage & { readonly bytes: Buffer; readonly reasons?: never })
  | {
      readonly line: number
      readonly message?: never
      readonly key?: never
      readonly reasons: readonly string[]
      readonly bytes: Buffer | undefined
    }

/** What a reader reports besides messages. */
export interface ReadOptions {
  /** Called with the kind of each line, or part of a line, that is not a message. */
  readonly onSkipped?: (kind: string) => void
  /** Lines whose messages are left out; they count for the keys of others. */
  readonly leftOut?: ReadonlySet<number> | undefined
}

/**
 * Reads a transcript of any format line by line. The same bytes give the same entries, keys included.
 * @throws OperatorError `unknown_transcript_format`, `unknown_transcript_version`
 */
export async function* readTranscript(
  chunks: AsyncIterable<Buffer>,
  { onSkipped = () => undefined, leftOut }: ReadOptions = {},
): AsyncGenerator<TranscriptEntry> {
  const assignKey = createAssignKey()
  let reader: LineReader | undefined
  for await (const raw of readLines(chunks)) {
    reader ??= identifyTranscript(raw.bytes ?? Buffer.alloc(0)).createReader()
    const { number: line, bytes } = raw
    const { messages, reasons, skipped } = readLine(reader, raw)
    for (const kind of skipped) onSkipped(kind)
    if (reasons.length > 0) yield { line, reasons, bytes }
    if (bytes === undefined) continue
    for (const { message, key = assignKey(message), storedId } of messages)
      if (leftOut?.has(line) !== true) yield { line, message, key, storedId, sizeBytes: bytes.length, bytes }
  }
}

/** The lines that are not blank. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<RawLine> {
  for await (const raw of splitLines(chunks, MOST_LINE_BYTES)) if (!isBlank(raw)) yield raw
}

/** Tab, line feed, carriage return, space: JSON's white space. */
const BLANKS: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20])

const isBlank = ({ bytes }: RawLine): boolean =>
  bytes !== undefined && (bytes.every((byte) => BLANKS.has(byte)) || bytes.equals(BYTE_ORDER_MARK))

const readLine = (reader: LineReader, { number, bytes, terminated }: RawLine): LineContent =>
  bytes === undefined
    ? isRejected(`is longer than ${MOST_LINE_BYTES / 1_048_576} MiB`)
    : reader.read({ number, bytes, terminated })
