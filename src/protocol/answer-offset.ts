import type { OpaqueText } from './opaque-text.js'

/** Which answers of a conversation a page has been shown. */
export interface AnswerOffset {
  readonly conversation: string
  /** A cursor of the history: what is before it was shown, or was there when the page was loaded. */
  readonly cursor: string
  /** Ids of the answers behind the cursor that were shown. */
  readonly shown: readonly number[]
}

/** The offset as guests see it, who may hand it back. */
export const hideOffset = (opaque: OpaqueText, { conversation, cursor, shown }: AnswerOffset): string =>
  opaque.hide(`${OFFSET}${JSON.stringify([conversation, cursor, shown])}`)

/** @returns undefined for what `hideOffset` did not make with this secret */
export const revealOffset = (opaque: OpaqueText, hidden: unknown): AnswerOffset | undefined => {
  const text = typeof hidden === 'string' ? opaque.reveal(hidden) : undefined
  if (text?.startsWith(OFFSET) !== true) return undefined
  // Only a server with the secret can have written it.
  const [conversation, cursor, shown] = JSON.parse(text.slice(OFFSET.length)) as [string, string, number[]]
  return { conversation, cursor, shown }
}

const OFFSET = 'offset '
