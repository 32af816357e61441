import * as z from 'zod'
import { InvalidMessage } from '../persistence/errors.js'
import type { NewChatMessage } from '../persistence/message.js'
import { prepareMessage } from '../persistence/prepare-message.js'

/** One message of a transcript. */
export interface TranscriptMessage {
  readonly at: Date
  readonly conversation: string
  readonly from: 'client' | 'operator'
  /** The guest's side of the conversation, whoever speaks. */
  readonly username: string
  readonly phone: string | null
  readonly operator: string | null
  readonly text: string
}

/** Either the message, or every reason why the line holds none. */
export type ParsedLine =
  | { readonly message: TranscriptMessage; readonly reasons?: never }
  | { readonly message?: never; readonly reasons: readonly string[] }

/** Whether the line is JSON at all, besides what it holds. */
type ParsedDocument = ParsedLine & { readonly isDocument: boolean }

const EARLIEST = Date.UTC(1970, 0)
const LATEST = Date.UTC(10_000, 0)

const text = z.string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be a string') })
const textOrNull = z
  .string({ error: 'must be a string or null' })
  .nullish()
  .transform((value) => value ?? null)

const lineSchema = z.object(
  {
    at: text
      .pipe(z.iso.datetime({ offset: true, error: 'must be an instant such as 2026-04-01T09:00:08.250Z' }))
      .transform((instant) => new Date(instant))
      .refine((instant) => +instant >= EARLIEST && +instant < LATEST, { error: 'must be in the years 1970 to 9999' }),
    conversation: text.min(1, { error: 'is empty' }),
    from: z.enum(['client', 'operator'], {
      error: ({ input }) => (input === undefined ? 'is missing' : 'must be "client" or "operator"'),
    }),
    username: text,
    phone: textOrNull,
    operator: textOrNull,
    text: text.min(1, { error: 'is empty' }),
  },
  { error: 'must be a JSON object' },
)

/** Decodes and checks one line; all its mistakes are reported at once, those that the core would find included. */
export const parseLine = (bytes: Uint8Array): ParsedDocument => {
  const decoded = decode(bytes)
  if (decoded === undefined) return { isDocument: false, reasons: ['is not valid UTF-8'] }
  const document = parseJson(decoded)
  return document === undefined
    ? { isDocument: false, reasons: ['is not valid JSON'] }
    : { isDocument: true, ...parseDocument(document.value) }
}

const parseDocument = (document: unknown): ParsedLine => {
  const { success, data, error } = lineSchema.safeParse(document)
  if (success) {
    const reasons = reasonsOfCore(data)
    return reasons.length === 0 ? { message: data } : { reasons }
  }
  const mistakes = error.issues.map(({ path, message }) => [...path, message].join(' '))
  // An empty text is a mistake to both.
  return { reasons: [...new Set([...mistakes, ...reasonsOfCore(stringsOf(document))])] }
}

/** The message as the core takes it. */
export const toNewChatMessage = (message: TranscriptMessage) =>
  ({
    guestUsername: message.username,
    guestPhone: message.phone,
    senderType: message.from === 'client' ? 'CLIENT' : 'OPERATOR',
    messageType: 'TEXT',
    text: message.text,
    sessionId: message.conversation,
    createdAt: message.at,
  }) as const satisfies NewChatMessage

// Without `ignoreBOM`, so that a byte order mark is dropped at the start of the file, and where files were joined.
const utf8 = new TextDecoder('utf-8', { fatal: true })

const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    // The only thing that can be wrong here is said by the caller.
    return undefined
  }
}

// Wrapped, because `null` is valid JSON.
const parseJson = (json: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(json) as unknown }
  } catch {
    // V8's message quotes the line, which is personal data; the line number says enough.
    return undefined
  }
}

/** Valid stand-ins for the fields that are already known to be wrong. */
const STAND_IN: TranscriptMessage = {
  at: new Date(EARLIEST),
  conversation: '-',
  from: 'client',
  username: '-',
  phone: null,
  operator: null,
  text: '-',
}

const stringsOf = (value: unknown): TranscriptMessage => {
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const usable = fields.filter(
    ([name, field]) => ['conversation', 'username', 'phone', 'text'].includes(name) && typeof field === 'string',
  )
  return { ...STAND_IN, ...Object.fromEntries(usable) }
}

/** What the core calls its fields, and what they are called here. */
const FIELD_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^guestUsername /, 'username '],
  [/^guestPhone /, 'phone '],
  [/^sessionId /, 'conversation '],
]

const reasonsOfCore = (message: TranscriptMessage): readonly string[] => {
  try {
    prepareMessage(toNewChatMessage(message))
    return []
  } catch (error) {
    if (!(error instanceof InvalidMessage)) throw error
    return error.reasons.map((reason) => FIELD_NAMES.reduce((rest, [name, ours]) => rest.replace(name, ours), reason))
  }
}
