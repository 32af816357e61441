import { createAssignKey } from './ordinals.js'
import { splitLines, type RawLine } from './split-lines.js'
import { parseLine, type ParsedLine, type TranscriptMessage } from './transcript-line.js'

/** A message with its place in the transcript and its key. */
export interface KeyedMessage {
  readonly line: number
  readonly message: TranscriptMessage
  readonly key: string
  readonly sizeBytes: number
}

/** What one line turned out to be; blank lines are skipped. */
export type TranscriptEntry =
  | (KeyedMessage & { readonly reasons?: never })
  | { readonly line: number; readonly message?: never; readonly reasons: readonly string[] }

/** Room for the largest message that the core takes, escaped in the longest way that JSON knows. */
export const MAX_LINE_BYTES = 8 * 1_048_576

/** Reads a transcript line by line. The same bytes give the same entries, keys included. */
export async function* readTranscript(chunks: AsyncIterable<Buffer>): AsyncGenerator<TranscriptEntry> {
  const assignKey = createAssignKey()
  for await (const raw of splitLines(chunks, MAX_LINE_BYTES)) {
    if (isBlank(raw)) continue
    const { message, reasons } = parseRawLine(raw)
    if (message === undefined) yield { line: raw.number, reasons }
    else yield { line: raw.number, message, key: assignKey(message), sizeBytes: raw.bytes?.length ?? 0 }
  }
}

/** Tab, line feed, carriage return, space: JSON's white space. */
const BLANKS: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20])
const BYTE_ORDER_MARK = Buffer.from('\ufeff')

const isBlank = ({ bytes }: RawLine): boolean =>
  bytes !== undefined && (bytes.every((byte) => BLANKS.has(byte)) || bytes.equals(BYTE_ORDER_MARK))

const parseRawLine = ({ bytes, terminated }: RawLine): ParsedLine => {
  if (bytes === undefined) return { reasons: [`is longer than ${MAX_LINE_BYTES / 1_048_576} MiB`] }
  const parsed = parseLine(bytes)
  // A complete document needs no line feed after it; anything else was cut off.
  return parsed.isDocument || terminated ? parsed : { reasons: ['is truncated: the input ends in the middle of it'] }
}
