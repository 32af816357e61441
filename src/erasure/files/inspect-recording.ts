import { OperatorError } from '../../errors.js'
import { looksLikeJournal } from '../../journal/read-journal.js'
import { foreignTitle } from '../../transcripts/foreign-formats.js'
import { identifyTranscript } from '../../transcripts/formats/index.js'
import { native } from '../../transcripts/formats/native.js'
import { parseJsonLine } from '../../transcripts/json-line.js'
import { readLines } from '../../transcripts/read-transcript.js'
import { recordingLock } from '../../transcripts/transcript-format.js'
import { notARecording, recordingOpen } from './file-errors.js'

const START_BYTES = 65_536

/**
 * Checks that a file is a recording as its server left it.
 * @returns the lock of the server that writes it, if it has one
 * @throws OperatorError `not_a_recording`, `recording_open`, `transcript_altered`, `lines_after_footer`
 */
export const inspectRecording = async (
  path: string,
  read: () => AsyncIterable<Buffer>,
  { access, signal }: { readonly access: 'read' | 'change'; readonly signal: AbortSignal },
): Promise<{ readonly lock: string | undefined }> => {
  const start = await startOf(read())
  const title = titleOf(start)
  if (title !== undefined) throw notARecording(path, title)
  for await (const { bytes = Buffer.alloc(0) } of readLines(read())) {
    const { format, checkFooter } = identify(path, bytes)
    if (format !== native.name) throw notARecording(path, `a transcript of the format ${format}`)
    const header = parseJsonLine(bytes).value as { readonly id?: unknown; readonly footer?: unknown }
    const id = typeof header.id === 'string' ? header.id : undefined
    const isComplete = (await checkFooter?.(path, readLines(read()), signal)) ?? true
    if (access === 'change' && !isComplete && id === undefined) throw recordingOpen(path)
    return { lock: id === undefined ? undefined : recordingLock(id) }
  }
  return { lock: undefined }
}

const titleOf = (start: Buffer): string | undefined => {
  if (looksLikeJournal(start)) return 'a journal (name it with --journal)'
  return start.toString('hex', 0, 2) === '1f8b' ? 'compressed with gzip' : foreignTitle(start)
}

const startOf = async (chunks: AsyncIterable<Buffer>): Promise<Buffer> => {
  for await (const chunk of chunks) return chunk.subarray(0, START_BYTES)
  return Buffer.alloc(0)
}

const identify = (path: string, firstLine: Buffer): ReturnType<typeof identifyTranscript> => {
  try {
    return identifyTranscript(firstLine)
  } catch (error) {
    if (error instanceof OperatorError) throw notARecording(path, 'of a format that chatkeep does not write')
    throw error
  }
}
