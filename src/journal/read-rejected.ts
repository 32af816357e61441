import * as z from 'zod/mini'
import { entrySchema, type JournalEntry } from './journal-line.js'

/** A line of a file of rejected entries. */
export type RejectedLine =
  | { readonly kind: 'entry'; readonly entry: JournalEntry }
  /** It holds no message that can be read; `reason` says why. */
  | { readonly kind: 'unreadable'; readonly reason: string }

/** Whether the first bytes of a file are those of a file of rejected entries. */
export const looksLikeRejected = (start: Buffer): boolean =>
  // The file may have been edited when the cause was removed: blanks, and keys in another order.
  /^\s*\{(?=[^\n]*"at"\s*:)[^\n]*"type"\s*:\s*"rejected"/.test(start.toString('latin1'))

const rejectedSchema = z.object({
  type: z.literal('rejected'),
  entry: z.optional(z.omit(entrySchema, { type: true })),
  base64: z.optional(z.string()),
})

const BAD_LINE = 'it is not a line of a file of rejected messages'

export const parseRejected = (line: Uint8Array): RejectedLine => {
  const { data } = rejectedSchema.safeParse(parseJson(line))
  if (data?.entry !== undefined) return { kind: 'entry', entry: data.entry }
  if (data?.base64 !== undefined)
    return { kind: 'unreadable', reason: 'it has the bytes of a damaged line of the journal' }
  return { kind: 'unreadable', reason: BAD_LINE }
}

const parseJson = (line: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(line).toString('utf8')) as unknown
  } catch {
    // What it is not is said of the line.
    return undefined
  }
}
