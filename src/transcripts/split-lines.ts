/** One line of the input, unchanged. */
export interface RawLine {
  /** Counted from 1. */
  readonly number: number
  /** The line without its line feed; undefined when it is longer than allowed and was skipped. */
  readonly bytes: Buffer | undefined
  /** False for a last line without a line feed. */
  readonly terminated: boolean
}

const LINE_FEED = 0x0a

/** Cuts a stream of bytes into lines. Never holds more than one chunk and one line of at most `maxLineBytes`. */
export async function* splitLines(chunks: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<RawLine> {
  const begun = createLineBuffer(maxLineBytes)
  let number = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      begun.append(chunk.subarray(start, end))
      number += 1
      yield { number, bytes: begun.take(), terminated: true }
      start = end + 1
    }
    begun.append(chunk.subarray(start))
  }
  if (!begun.isEmpty()) yield { number: number + 1, bytes: begun.take(), terminated: false }
}

interface LineBuffer {
  append(part: Buffer): void
  isEmpty(): boolean
  /** Returns the line and starts the next one. */
  take(): Buffer | undefined
}

const createLineBuffer = (maxBytes: number): LineBuffer => {
  let parts: Buffer[] = []
  let sizeBytes = 0
  return {
    append: (part) => {
      sizeBytes += part.length
      if (sizeBytes > maxBytes) parts = []
      else if (part.length > 0) parts.push(part)
    },
    isEmpty: () => sizeBytes === 0,
    take: () => {
      const [first] = parts
      const whole = parts.length === 1 ? first : Buffer.concat(parts)
      const line = sizeBytes > maxBytes ? undefined : whole
      parts = []
      sizeBytes = 0
      return line
    },
  }
}

export const BYTE_ORDER_MARK = Buffer.from('\ufeff')

/** A line without the byte order mark and carriage return that editors add. */
export const withoutLineEnd = (bytes: Buffer): Buffer => {
  const start = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0
  return bytes.subarray(start, bytes.at(-1) === 0x0d ? -1 : undefined)
}
