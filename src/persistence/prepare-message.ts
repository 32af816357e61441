import { randomUUID } from 'node:crypto'
import * as z from 'zod/mini'
import { isObject, shown, unknownNames } from '../check-options.js'
import { oversizedFields } from './content/message-size.js'
import { toStorableText } from './content/storable-text.js'
import { InvalidMessage } from './errors.js'
import { ID_RANGE } from './ids/ids.js'
import { describeIssue, invalidFields } from './invalid-fields.js'
import { MESSAGE_TYPES, SENDER_TYPES, type ChatMessage, type NewChatMessage } from './message.js'

/** Longest user name, in Unicode characters. */
export const MAX_USERNAME_CHARACTERS = 255

/** Longest of the other texts (phone, image name, socket id, key, …), in bytes of UTF-8: some are indexed, and index entries have a size limit. */
export const MAX_FIELD_BYTES = 1_024

/** A message ready to be stored: validated, complete, with a key. */
export interface PreparedMessage extends Omit<
  ChatMessage,
  'id' | 'isRead' | 'readAt' | 'createdAt' | 'idempotencyKey' | 'guestUnverified'
> {
  readonly idempotencyKey: string
  /** The key as the caller gave it, where it is stored with its sender. */
  readonly ownKey?: string
  /** Null for the database's clock. */
  readonly createdAt: Date | null
}

/** The form under which a guest's name is stored and looked up: outer white space trimmed, NFC, case kept. */
export const toUsername = (name: string): string => toStorableText(name).normalize('NFC').trim()

/** The form in which a phone is stored. Blank becomes NULL: forms send an empty field. */
export const toStorablePhone = (phone: string | null | undefined): string | null =>
  phone == null || phone.trim() === '' ? null : toStorableText(phone)

const field = z
  .string()
  .check(z.refine((value) => Buffer.byteLength(value) <= MAX_FIELD_BYTES, `is larger than ${MAX_FIELD_BYTES} bytes`))

const id = z.int(ID_RANGE)

/** A user name, converted to the form in which it is stored. */
export const usernameSchema = z.pipe(
  z.pipe(z.string(), z.transform(toUsername)),
  z.string().check(
    z.minLength(1),
    z.refine(
      (name) => Array.from(name).length <= MAX_USERNAME_CHARACTERS,
      `is longer than ${MAX_USERNAME_CHARACTERS} characters`,
    ),
  ),
)

const idempotencyKey = field.check(
  z.refine((key) => key !== '', 'is empty'),
  z.refine((key) => toStorableText(key) === key, 'contains a character that PostgreSQL cannot store'),
)

const createdAt = z
  .date('is not a valid date')
  .check(z.refine((at) => at.getUTCFullYear() >= 1 && at.getUTCFullYear() <= 9999, 'is not in the years 1 to 9999'))

const contentShape = {
  text: z.nullish(z.string()),
  imageUrl: z.nullish(z.string()),
  imageName: z.nullish(field),
  mimeType: z.nullish(field),
}

const messageSchema = z.object({
  clientId: z.nullish(id),
  guestUsername: z.nullish(usernameSchema),
  guestPhone: z.nullish(field),
  clientSocketId: z.nullish(field),
  senderType: z.enum(SENDER_TYPES),
  operatorId: z.nullish(id),
  messageType: z.enum(MESSAGE_TYPES),
  ...contentShape,
  sessionId: z.nullish(field),
  idempotencyKey: z.nullish(idempotencyKey),
  createdAt: z.nullish(createdAt),
})

/**
 * Validates a message and converts it to the form in which it is stored.
 * @param maxMessageBytes most bytes of the text, and of the image
 * @throws InvalidMessage that names every invalid field
 */
export const prepareMessage = (message: NewChatMessage, maxMessageBytes: number): PreparedMessage => {
  if (!isObject(message)) throw new InvalidMessage([`it ${shown(message)}, but must be an object`])
  const parsed = messageSchema.safeParse(message, { error: describeIssue })
  const mistakes = [...unknownNames('field', message, FIELDS), ...oversized(message, maxMessageBytes)]
  if (!parsed.success) throw new InvalidMessage([...mistakes, ...invalidFields(parsed.error)])
  const given = parsed.data
  const reasons = [...mistakes, ...contradictions(given)]
  if (reasons.length > 0) throw new InvalidMessage(reasons)
  return {
    clientId: given.clientId ?? null,
    guestUsername: given.guestUsername ?? null,
    guestPhone: toStorablePhone(given.guestPhone),
    clientSocketId: storableOrNull(given.clientSocketId),
    senderType: given.senderType,
    operatorId: given.operatorId ?? null,
    messageType: given.messageType,
    text: storableOrNull(given.text),
    imageUrl: storableOrNull(given.imageUrl),
    imageName: storableOrNull(given.imageName),
    mimeType: storableOrNull(given.mimeType),
    sessionId: storableOrNull(given.sessionId),
    idempotencyKey: given.idempotencyKey ?? randomUUID(),
    createdAt: given.createdAt ?? null,
  }
}

const FIELDS = Object.keys(messageSchema.shape)

const oversized = (message: unknown, most: number): readonly string[] =>
  isObject(message) ? oversizedFields(message, most) : []

const contradictions = (given: z.infer<typeof messageSchema>): readonly string[] => {
  const reasons: string[] = []
  if (given.messageType === 'TEXT' && (given.text ?? '') === '') reasons.push('text is empty')
  if (given.messageType === 'IMAGE' && (given.imageUrl ?? '') === '') reasons.push('imageUrl is empty')
  if ((given.clientId ?? given.guestUsername ?? given.clientSocketId ?? given.sessionId) == null) {
    reasons.push('no contact: clientId, guestUsername, clientSocketId and sessionId are all missing')
  }
  return reasons
}

const storableOrNull = (text: string | null | undefined): string | null => (text == null ? null : toStorableText(text))

/** The content of a message: what an edit may change. */
export type MessageContent = Partial<Pick<NewChatMessage, (typeof CONTENT)[number]>>

const CONTENT = ['text', 'imageUrl', 'imageName', 'mimeType'] as const

const contentSchema = z.object(contentShape)

/** How the error of an edit begins. */
export const NOT_EDITED = 'the message cannot be edited'

/** Validates what an edit changes, and converts it to the form in which it is stored. @throws InvalidMessage */
export const prepareContent = (
  edit: MessageContent,
  maxMessageBytes: number,
): Partial<Record<(typeof CONTENT)[number], string | null>> => {
  const parsed = contentSchema.safeParse(edit, { error: describeIssue })
  const mistakes = oversized(edit, maxMessageBytes)
  if (!parsed.success) throw new InvalidMessage([...mistakes, ...invalidFields(parsed.error)], NOT_EDITED)
  if (mistakes.length > 0) throw new InvalidMessage(mistakes, NOT_EDITED)
  const given = parsed.data
  return Object.fromEntries(
    CONTENT.filter((name) => given[name] !== undefined).map((name) => [name, storableOrNull(given[name])]),
  )
}

/** A name from a table, as a message can have it; null for one that it cannot have. */
export const usableName = (name: string | null): string | null => usernameSchema.safeParse(name).data ?? null

/** Validates a name, and converts it to the form in which it is stored. @throws InvalidMessage */
export const prepareUsername = (name: string): string => {
  const parsed = z.object({ username: usernameSchema }).safeParse({ username: name }, { error: describeIssue })
  if (!parsed.success) throw new InvalidMessage(invalidFields(parsed.error), 'the client cannot be renamed')
  return parsed.data.username
}
