import { journalDamaged, journalHeaderDamaged, notAJournal, unknownJournalVersion } from './journal-errors.js'
import { MOST_LINE_BYTES } from '../persistence/content/message-size.js'
import { JOURNAL_VERSION, parseEntry, parseHeader, type JournalEntry, type JournalHeader } from './journal-line.js'

/** One part of a journal. */
export type JournalPart =
  | { readonly kind: 'header'; readonly header: JournalHeader; readonly bytes: Buffer; readonly end: number }
  /** `bytes` are without its line feed, `end` is the offset of the byte after it. */
  | {
      readonly kind: 'entry'
      readonly entry: JournalEntry
      readonly line: number
      readonly bytes: Buffer
      readonly end: number
    }
  /** The rest of an interrupted write, which was never acknowledged. */
  | { readonly kind: 'torn'; readonly line: number; readonly bytes: Buffer; readonly terminated: boolean }

/** A position at the start of a line. */
export interface JournalPosition {
  readonly offset: number
  /** Number of the line that begins there. */
  readonly line: number
}

/**
 * Reads a journal. A crash may leave a last line that is incomplete or has a wrong checksum; on any other line that is damage.
 * @throws OperatorError `not_a_journal`, `journal_version_unknown`, `journal_damaged`
 */
export async function* readJournal(
  chunks: AsyncIterable<Buffer>,
  path: string,
  from: JournalPosition = { offset: 0, line: 1 },
): AsyncGenerator<JournalPart> {
  let line = from.line
  let end = from.offset
  let previous: number | undefined
  let bad: { readonly line: number; readonly bytes: Buffer } | undefined
  for await (const { bytes, terminated } of splitLines(chunks, path, from.line)) {
    if (bad !== undefined) throw journalDamaged(path, bad.line, 'its checksum is wrong')
    end += bytes.length + 1
    if (line === 1) yield { kind: 'header', header: checkHeader(bytes, path), bytes, end }
    else if (!terminated) yield { kind: 'torn', line, bytes, terminated }
    else {
      const entry = parseEntry(bytes)
      if (entry === undefined) bad = { line, bytes }
      else {
        if (entry.seq !== (previous ?? entry.seq - 1) + 1) {
          throw journalDamaged(path, line, `number ${entry.seq} follows number ${previous}`, line)
        }
        previous = entry.seq
        yield { kind: 'entry', entry, line, bytes, end }
      }
    }
    line += 1
  }
  if (bad !== undefined) yield { kind: 'torn', ...bad, terminated: true }
}

/** Whether the first bytes of a file are those of a journal. */
export const looksLikeJournal = (start: Buffer): boolean =>
  start.toString('latin1').startsWith('{"type":"header","format":"chatkeep-journal"')

const checkHeader = (bytes: Buffer, path: string): JournalHeader => {
  const header = parseHeader(bytes)
  if (header === undefined) {
    if (looksLikeJournal(bytes)) throw journalHeaderDamaged(path)
    throw notAJournal(path, 'it does not start with a journal header')
  }
  if (header.version !== JOURNAL_VERSION) throw unknownJournalVersion(path, header.version)
  return header
}

interface RawLine {
  readonly bytes: Buffer
  readonly terminated: boolean
}

const LINE_FEED = 0x0a

/** Never holds more than one chunk and one line. @throws OperatorError `journal_damaged` for a line that no server wrote */
async function* splitLines(chunks: AsyncIterable<Buffer>, path: string, from: number): AsyncGenerator<RawLine> {
  let parts: Buffer[] = []
  let sizeBytes = 0
  let line = from
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      yield { bytes: Buffer.concat([...parts, chunk.subarray(start, end)]), terminated: true }
      parts = []
      sizeBytes = 0
      line += 1
      start = end + 1
    }
    if (start < chunk.length) parts.push(chunk.subarray(start))
    sizeBytes += chunk.length - start
    if (sizeBytes > MOST_LINE_BYTES) throw journalDamaged(path, line, 'it is longer than any line of a journal')
  }
  if (parts.length > 0) yield { bytes: Buffer.concat(parts), terminated: false }
}
