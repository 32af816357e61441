import { renumberedLine, type JournalEntry } from '../../journal/journal-line.js'
import { readJournal } from '../../journal/read-journal.js'
import { parseRejected } from '../../journal/read-rejected.js'
import { splitLines } from '../../transcripts/split-lines.js'
import { lineTooLong } from './file-errors.js'
import { copyLine, FRAME, UNREADABLE, type FileLine, type LineContent, type LineFormat } from './person-file.js'

/** A journal, and what was acknowledged: numbered lines with checksums. */
export const journalLines: LineFormat = {
  readLines: readEntries,
  // The numbers of a journal have no gaps, except at its beginning.
  createWriter: () => {
    let last: number | undefined
    return (line, isKept) => {
      const { content } = line
      if (!isKept || content.kind !== 'owned') return copyLine(line, isKept)
      const { seq } = content.document as JournalEntry
      last = (last ?? seq - 1) + 1
      return copyLine(last === seq ? line : { ...line, bytes: renumberedLine(line.bytes, last) }, true)
    }
  },
}

async function* readEntries(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<FileLine> {
  for await (const part of readJournal(chunks, path)) {
    const { bytes } = part
    if (part.kind === 'header') yield { number: 1, bytes, terminated: true, content: FRAME }
    else if (part.kind === 'entry') yield { number: part.line, bytes, terminated: true, content: contentOf(part.entry) }
    else yield { number: part.line, bytes, terminated: part.terminated, content: UNREADABLE }
  }
}

const contentOf = (entry: JournalEntry): LineContent => {
  const { contactKnown } = entry
  const { clientId, guestUsername, guestPhone, sessionId, idempotencyKey: key } = entry.message
  return {
    kind: 'owned',
    document: entry,
    owner: {
      clientIds: clientId === null ? [] : [String(clientId)],
      names: guestUsername === null ? [] : [guestUsername],
      phones: guestPhone === null ? [] : [guestPhone],
      conversation: contactKnown ? sessionId : null,
      address: contactKnown ? null : sessionId,
      ...{ key, atMs: entry.acknowledgedAt === undefined ? null : (entry.message.createdAt?.getTime() ?? null) },
    },
  }
}

/** Room for a damaged line of a journal in base64. */
const MAX_REJECTED_BYTES = 32 * 1_048_576

/** Entries that the database refused for good. */
export const rejectedLines: LineFormat = { readLines: readRejectedLines, createWriter: () => copyLine }

async function* readRejectedLines(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<FileLine> {
  for await (const { number, bytes, terminated } of splitLines(chunks, MAX_REJECTED_BYTES)) {
    if (bytes === undefined) throw lineTooLong(path, number)
    if (bytes.toString('latin1').trim() === '') yield { number, bytes, terminated, content: FRAME }
    else {
      const parsed = parseRejected(bytes)
      const content = parsed.kind === 'entry' ? contentOf(parsed.entry) : UNREADABLE
      yield { number, bytes, terminated, content }
    }
  }
}
