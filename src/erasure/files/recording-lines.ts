import { createHash } from 'node:crypto'
import { parseJsonLine } from '../../transcripts/json-line.js'
import { MOST_LINE_BYTES } from '../../persistence/content/message-size.js'
import { BYTE_ORDER_MARK, splitLines, withoutLineEnd } from '../../transcripts/split-lines.js'
import { transcriptFooter } from '../../transcripts/transcript-format.js'
import { lineTooLong } from './file-errors.js'
import {
  copyLine,
  FRAME,
  UNREADABLE,
  type FileLine,
  type LineContent,
  type LineFormat,
  type LineOwner,
} from './person-file.js'

/** A recording of `serve --record`, or an export: lines that name their type, and a footer with a hash of them. */
export const recordingLines: LineFormat = {
  readLines: readRecording,
  createWriter: () => {
    const hash = createHash('sha256')
    let messages = 0
    return (line, isKept) => {
      const type = typeOf(line.bytes)
      if (type === 'footer') return Buffer.from(transcriptFooter(messages, hash.digest('hex')))
      if (!isKept) return copyLine(line, false)
      if (type === 'message') messages += 1
      if (!isBlank(line.bytes)) hash.update(withoutLineEnd(line.bytes)).update('\n')
      return copyLine(line, true)
    }
  },
}

async function* readRecording(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<FileLine> {
  for await (const { number, bytes, terminated } of splitLines(chunks, MOST_LINE_BYTES)) {
    if (bytes === undefined) throw lineTooLong(path, number)
    yield { number, bytes, terminated, content: isBlank(bytes) ? FRAME : contentOf(bytes) }
  }
}

const isBlank = (bytes: Buffer): boolean => bytes.equals(BYTE_ORDER_MARK) || bytes.toString('latin1').trim() === ''

const typeOf = (bytes: Buffer): unknown => objectOf(parseJsonLine(bytes).value)?.type

const objectOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined

const contentOf = (bytes: Buffer): LineContent => {
  const document = objectOf(parseJsonLine(bytes).value)
  if (document === undefined || typeof document.type !== 'string') return UNREADABLE
  if (document.type === 'header' || document.type === 'footer') return FRAME
  return { kind: 'owned', document, owner: ownerOf(document) }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const timeOf = (text: string): number | null => {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

/** Fields that say whose a line is: of messages, and of the rows and lines that an export has. */
const FIELDS = {
  clientIds: ['clientId', 'intoClientId', 'linkedClientId'],
  names: ['username', 'guestUsername'],
  phones: ['phone', 'guestPhone'],
} as const

const ownerOf = (document: Readonly<Record<string, unknown>>): LineOwner => {
  const entry = objectOf(document.entry)
  const row = objectOf(document.row) ?? objectOf(entry?.message) ?? entry ?? document
  const textsOf = (fields: readonly string[]): readonly string[] =>
    fields.flatMap((field) => {
      const value = row[field]
      return typeof value === 'string' || typeof value === 'number' ? [String(value)] : []
    })
  const conversation = row.conversation ?? row.sessionId
  const named = typeof conversation === 'string' ? conversation : null
  // The export of a line of a journal.
  const isAddress = entry?.contactKnown === false
  return {
    clientIds: textsOf(document.type === 'client' ? ['id'] : FIELDS.clientIds),
    // Where nobody knew the name, the conversation stands for it.
    names: textsOf(FIELDS.names).filter((name) => name !== conversation),
    phones: textsOf(FIELDS.phones),
    conversation: isAddress ? null : named,
    address: isAddress ? named : null,
    key: textOf(row.idempotencyKey) ?? textOf(row.id),
    atMs: typeof document.at === 'string' ? timeOf(document.at) : null,
  }
}
