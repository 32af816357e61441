import { OperatorError } from '../../errors.js'
import type { RawLine } from '../split-lines.js'
import type { LineReader } from './line-reader.js'

/** One way to write a transcript. */
export interface TranscriptFormat {
  /** Names it in reports and resume states. */
  readonly name: string
  /** What people call it. */
  readonly title: string
  /**
   * Recognises a transcript by its first line that is not blank; undefined when it is of another format.
   * @throws OperatorError `unknown_transcript_format`, `unknown_transcript_version`
   */
  readonly recognise: (line: FirstLine) => RecognisedTranscript | undefined
}

export interface FirstLine {
  /** Without its line feed. */
  readonly bytes: Buffer
  /** Undefined when the line is not JSON. */
  readonly json: unknown
}

/** What the first line of a transcript says about the rest. */
export interface RecognisedTranscript {
  /** Makes a reader for one pass over the lines, the first one included. */
  readonly createReader: () => LineReader
  /** Its messages name the rows that they had. */
  readonly isExport?: boolean
  /** First line for a file that takes some of the lines; absent where lines are understood without one. */
  readonly headerOfPart?: Buffer
  /**
   * Reads to the end and checks the footer; absent where the format has none.
   * @returns whether the transcript is complete; false when the footer that its header promises is missing
   * @throws OperatorError `transcript_altered`, `lines_after_footer`, the signal's reason
   */
  readonly checkFooter?: (name: string, lines: AsyncIterable<RawLine>, signal: AbortSignal) => Promise<boolean>
}

export const unknownVersion = (found: string): OperatorError =>
  new OperatorError('unknown_transcript_version', `it is ${found}, and only version 1 is known`, {
    hint: 'use a newer chatkeep: npm install -g chatkeep@latest',
  })
