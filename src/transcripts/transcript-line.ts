import * as z from 'zod/mini'
import { InvalidMessage } from '../persistence/errors.js'
import { describeIssue, invalidFields } from '../persistence/invalid-fields.js'
import type { MessageType, NewChatMessage } from '../persistence/message.js'
import { MOST_MESSAGE_BYTES } from '../persistence/content/message-size.js'
import { prepareMessage } from '../persistence/prepare-message.js'
import { parseJsonLine } from './json-line.js'

/** One message of a transcript. */
export interface TranscriptMessage {
  readonly at: Date
  readonly conversation: string
  readonly from: 'client' | 'operator'
  /** The guest of the conversation, also in messages of operators. */
  readonly username: string
  /** False where the row has no guest's name: `username` is then the address of the conversation. True when absent. */
  readonly named?: boolean
  readonly phone: string | null
  readonly operator: string | null
  /** Null only for an image without text. */
  readonly text: string | null
  /** TEXT when absent. */
  readonly messageType?: MessageType
  readonly image?: TranscriptImage
  /** Id that the operator had in "User" of the database that the message was recorded from. */
  readonly operatorId?: number | null
  readonly socketId?: string | null
}

/** The image of a message. */
export interface TranscriptImage {
  /** A URL or a data URL. */
  readonly url: string | null
  readonly name: string | null
  readonly mimeType: string | null
}

/** Either the message, or every reason why the line is rejected. */
export type ParsedLine =
  | { readonly message: TranscriptMessage; readonly reasons?: never }
  | { readonly message?: never; readonly reasons: readonly string[] }

/** The same, and whether the line is JSON at all. */
type ParsedDocument = ParsedLine & { readonly isDocument: boolean }

const EARLIEST = Date.UTC(1970, 0)
const LATEST = Date.UTC(10_000, 0)

const text = z.string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be a string') })
const nonEmpty = z.minLength(1, 'is empty')
export const textOrNull = z.pipe(
  z.nullish(z.string('must be a string or null')),
  z.transform((value) => value ?? null),
)

/** The fields of a message in both of chatkeep's own formats. */
export const lineFields = {
  at: z.pipe(
    z.pipe(text, z.iso.datetime({ offset: true, error: 'must be an instant such as 2026-04-01T09:00:08.250Z' })),
    z
      .transform((instant: string) => new Date(instant))
      .check(z.refine((instant) => +instant >= EARLIEST && +instant < LATEST, 'must be in the years 1970 to 9999')),
  ),
  conversation: text.check(nonEmpty),
  from: z.enum(['client', 'operator'], {
    error: ({ input }) => (input === undefined ? 'is missing' : 'must be "client" or "operator"'),
  }),
  username: text,
  phone: textOrNull,
  operator: textOrNull,
}

export const NOT_AN_OBJECT = 'must be a JSON object'

const lineSchema = z.object({ ...lineFields, text: text.check(nonEmpty) }, NOT_AN_OBJECT)

/** Decodes and checks one line; all mistakes are reported at once, including those that the store would find. */
export const parseLine = (bytes: Uint8Array): ParsedDocument => {
  const { value, reason } = parseJsonLine(bytes)
  return reason === undefined
    ? { isDocument: true, ...parseDocument(value, lineSchema) }
    : { isDocument: false, reasons: [reason] }
}

/** Checks the content of a line; all mistakes are reported at once. */
export const parseDocument = (document: unknown, schema: z.ZodMiniType<TranscriptMessage>): ParsedLine => {
  const { success, data, error } = schema.safeParse(document, { error: describeIssue })
  if (success) {
    const reasons = reasonsOfCore(data)
    return reasons.length === 0 ? { message: data } : { reasons }
  }
  const mistakes = invalidFields(error)
  // Both report an empty text.
  return { reasons: [...new Set([...mistakes, ...reasonsOfCore(stringsOf(document))])] }
}

/** The message as the store takes it. */
export const toNewChatMessage = (message: TranscriptMessage) =>
  ({
    guestUsername: message.named === false ? null : message.username,
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

/** Valid values in place of fields that are known to be wrong. */
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

/** The store's names of fields, and a transcript's. */
const FIELD_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^guestUsername /, 'username '],
  [/^guestPhone /, 'phone '],
  [/^sessionId /, 'conversation '],
]

/** Why the store would refuse a message, with the field names of a transcript. */
export const reasonsOfCore = (message: TranscriptMessage): readonly string[] => {
  try {
    prepareMessage(toNewChatMessage(message), MOST_MESSAGE_BYTES)
    return []
  } catch (error) {
    if (!(error instanceof InvalidMessage)) throw error
    return error.reasons.map((reason) => FIELD_NAMES.reduce((rest, [name, ours]) => rest.replace(name, ours), reason))
  }
}
