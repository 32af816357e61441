import * as z from 'zod'
import { InvalidMessage } from '../persistence/errors.js'
import type { MessageType, NewChatMessage } from '../persistence/message.js'
import { prepareMessage } from '../persistence/prepare-message.js'
import { parseJsonLine } from './json-line.js'

/** One message of a transcript. */
export interface TranscriptMessage {
  readonly at: Date
  readonly conversation: string
  readonly from: 'client' | 'operator'
  /** The guest's side of the conversation, whoever speaks. */
  readonly username: string
  readonly phone: string | null
  readonly operator: string | null
  /** Null only for an image without one. */
  readonly text: string | null
  /** TEXT when absent. */
  readonly messageType?: MessageType
  readonly image?: TranscriptImage
  /** Id that the operator had in "User" of the database that the message was recorded from. */
  readonly operatorId?: number | null
  readonly socketId?: string | null
}

/** What a message holds besides its text. */
export interface TranscriptImage {
  /** A URL or a data URL. */
  readonly url: string | null
  readonly name: string | null
  readonly mimeType: string | null
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
export const textOrNull = z
  .string({ error: 'must be a string or null' })
  .nullish()
  .transform((value) => value ?? null)

/** The fields that a message has in every format of chatkeep's own. */
export const lineFields = {
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
}

export const NOT_AN_OBJECT = 'must be a JSON object'

const lineSchema = z.object({ ...lineFields, text: text.min(1, { error: 'is empty' }) }, { error: NOT_AN_OBJECT })

/** Decodes and checks one line; all its mistakes are reported at once, those that the core would find included. */
export const parseLine = (bytes: Uint8Array): ParsedDocument => {
  const { value, reason } = parseJsonLine(bytes)
  return reason === undefined
    ? { isDocument: true, ...parseDocument(value, lineSchema) }
    : { isDocument: false, reasons: [reason] }
}

/** Checks what a line holds; all its mistakes are reported at once. */
export const parseDocument = (document: unknown, schema: z.ZodType<TranscriptMessage>): ParsedLine => {
  const { success, data, error } = schema.safeParse(document)
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
    messageType: message.messageType ?? 'TEXT',
    text: message.text,
    imageUrl: message.image?.url ?? null,
    imageName: message.image?.name ?? null,
    mimeType: message.image?.mimeType ?? null,
    clientSocketId: message.socketId ?? null,
    sessionId: message.conversation,
    createdAt: message.at,
  }) as const satisfies NewChatMessage

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

/** What the core would find wrong with a message, in the words of a transcript. */
export const reasonsOfCore = (message: TranscriptMessage): readonly string[] => {
  try {
    prepareMessage(toNewChatMessage(message))
    return []
  } catch (error) {
    if (!(error instanceof InvalidMessage)) throw error
    return error.reasons.map((reason) => FIELD_NAMES.reduce((rest, [name, ours]) => rest.replace(name, ours), reason))
  }
}
