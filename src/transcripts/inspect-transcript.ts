import { ExitCode, OperatorError, withDetail } from '../errors.js'
import { DEFAULT_FORMAT, identifyTranscript, type IdentifiedTranscript } from './formats/index.js'
import { readLines } from './read-transcript.js'
import type { TranscriptInput } from './transcript-input.js'

/** What is known of a transcript before anything is sent. */
export interface InspectedTranscript {
  /** Name of its format. */
  readonly format: string
  /** First line for a file that takes some of its lines; undefined where lines are understood without one. */
  readonly header: Buffer | undefined
  /** The footer that it promises is missing, and it was accepted without. */
  readonly truncated: boolean
  /** Whether `chatkeep export` wrote it: its messages may still be in the database. */
  readonly isExport: boolean
}

/**
 * Finds the format of a transcript, and reads one that has a footer through to its end.
 * @throws OperatorError `unknown_transcript_format`, `unknown_transcript_version`, `transcript_truncated`,
 * `transcript_altered`, `lines_after_footer`
 */
export const inspectTranscript = async (
  input: TranscriptInput,
  { acceptTruncated, signal }: { readonly acceptTruncated: boolean; readonly signal: AbortSignal },
): Promise<InspectedTranscript> => {
  const identified = await identify(input)
  if (identified === undefined) return { format: DEFAULT_FORMAT, header: undefined, truncated: false, isExport: false }
  const { format, headerOfPart, checkFooter, isExport = false } = identified
  const isComplete = (await checkFooter?.(input.name, readLines(input.read()), signal)) ?? true
  if (!isComplete && !acceptTruncated) throw truncatedTranscript(input.name)
  return { format, header: headerOfPart, truncated: !isComplete, isExport }
}

/** @returns undefined when there is no line that is not blank */
const identify = async (input: TranscriptInput): Promise<IdentifiedTranscript | undefined> => {
  for await (const { bytes = Buffer.alloc(0) } of readLines(input.read())) {
    try {
      return identifyTranscript(bytes)
    } catch (error) {
      throw error instanceof OperatorError ? withDetail(error, `the transcript is ${input.name}`) : error
    }
  }
  return undefined
}

const truncatedTranscript = (name: string): OperatorError =>
  new OperatorError(
    'transcript_truncated',
    `${name} has no footer: the end of the file was not written, or not copied`,
    {
      hint: 'get the file again; if its chat server still runs, or was killed, replay what there is: --accept-truncated',
      exitCode: ExitCode.no,
    },
  )
