import { MOST_LINE_BYTES } from '../../persistence/content/message-size.js'
import { looksLikeJournal, readJournal, type JournalPart } from '../../journal/read-journal.js'
import { looksLikeRejected, parseRejected } from '../../journal/read-rejected.js'
import { splitLines } from '../../transcripts/split-lines.js'
import type { TranscriptInput } from '../../transcripts/transcript-input.js'

/** A file with messages of a chat server: its journal, or the messages of the journal that the database rejected. */
export type EntrySource = 'journal' | 'rejected'

/** @returns undefined for a file of another kind */
export const entrySourceOf = ({ start }: TranscriptInput): EntrySource | undefined => {
  if (looksLikeJournal(start)) return 'journal'
  return looksLikeRejected(start) ? 'rejected' : undefined
}

/** One part of such a file. */
export type EntryPart = JournalPart | { readonly kind: 'unreadable'; readonly line: number; readonly reason: string }

/** @throws OperatorError what `readJournal` throws; in a file of rejected messages, a line that is not one is a part */
export const readEntries = (input: TranscriptInput): AsyncIterable<EntryPart> =>
  entrySourceOf(input) === 'rejected' ? readRejected(input) : readJournal(input.read(), input.name)

async function* readRejected(input: TranscriptInput): AsyncGenerator<EntryPart> {
  let end = 0
  for await (const { number: line, bytes = Buffer.of() } of splitLines(input.read(), MOST_LINE_BYTES)) {
    end += bytes.length + 1
    const parsed = parseRejected(bytes)
    yield parsed.kind === 'entry' ? { ...parsed, line, bytes, end } : { ...parsed, line }
  }
}
