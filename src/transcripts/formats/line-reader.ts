import type { RawLine } from '../split-lines.js'
import type { TranscriptMessage } from '../transcript-line.js'

/** A message as its format gives it. */
export interface SourceMessage {
  readonly message: TranscriptMessage
  /** The idempotency key that the source gave it; derived from its content when absent. */
  readonly key?: string
  /** In an export: the id that its row had in the database that it came from. */
  readonly storedId?: number | undefined
}

/** What one line contains. */
export interface LineContent {
  readonly messages: readonly SourceMessage[]
  /** Why the line, or a part of it, is rejected. */
  readonly reasons: readonly string[]
  /** Kinds of the parts that are not messages. */
  readonly skipped: readonly string[]
}

/** Reads the lines of one transcript, in their order. */
export interface LineReader {
  read(line: RawLine & { readonly bytes: Buffer }): LineContent
}

const NOTHING: LineContent = { messages: [], reasons: [], skipped: [] }

export const holdsMessages = (...messages: readonly SourceMessage[]): LineContent => ({ ...NOTHING, messages })
export const isRejected = (...reasons: readonly string[]): LineContent => ({ ...NOTHING, reasons })
export const isSkipped = (...skipped: readonly string[]): LineContent => ({ ...NOTHING, skipped })

/** Why an incomplete last line is rejected. */
export const CUT_OFF = 'is truncated: the input ends in the middle of it'
