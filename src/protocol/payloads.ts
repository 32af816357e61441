import * as z from 'zod'
import { toStorableText } from '../persistence/content/storable-text.js'
import { MAX_USERNAME_CHARACTERS, toUsername } from '../persistence/prepare-message.js'

/** Enough for every conversation, which has 1,024 bytes at most, and for `name-` and a name, whose characters may take two units each. */
const MAX_ADDRESS_LENGTH = 1_024

const WRONG_ADDRESS = `is missing, or not a client's id, a conversation or a guest's name of at most ${MAX_ADDRESS_LENGTH} characters`

const WRONG_IMAGE = 'must be a string, a data URL such as data:image/png;base64,…'

/** Longest message id, name of a conversation, cursor or phone that a client may send, in UTF-16 units. */
const MAX_FIELD_LENGTH = 255

// In the form that is stored: broadcasts and later reads are then equal.
const text = z.string().transform(toStorableText)

const username = z
  .string()
  .transform(toUsername)
  .refine((name) => name !== '', { error: 'is empty' })
  .refine((name) => Array.from(name).length <= MAX_USERNAME_CHARACTERS, {
    error: `is longer than ${MAX_USERNAME_CHARACTERS} characters`,
  })

const storable = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine((value) => toStorableText(value) === value, { error: 'contains a character that cannot be stored' })

const identifier = storable(MAX_FIELD_LENGTH)

// Blank becomes null: forms send an empty field.
const phone = text.pipe(z.string().max(MAX_FIELD_LENGTH)).transform((given) => (given.trim() === '' ? null : given))

// Any that a number holds exactly.
const id = z.int()

/** Whom an operator means: a client's database id; the name of a conversation, else of a guest. */
export const addressSchema = z.union([id, storable(MAX_ADDRESS_LENGTH)], { error: WRONG_ADDRESS })

const guestJoin = z
  .object({
    role: z.literal('client'),
    username: z.string().nullish(),
    // The old widget sends this instead of `username`.
    name: z.string().nullish(),
    phone: phone.nullish(),
    // Checked by the handler, which answers `invalid_token`.
    token: z.unknown().optional(),
  })
  .transform(({ username: given, name: old, ...rest }) => ({ ...rest, username: given ?? old }))
  .pipe(z.object({ role: z.literal('client'), username, phone: z.string().nullish(), token: z.unknown().optional() }))

/** Who an operator is. */
export const operatorIdentitySchema = z.object({ name: username, operatorId: id.nullish() })

const operatorJoin = operatorIdentitySchema.extend({
  role: z.literal('operator'),
  token: z.unknown().optional(),
})

export const joinSchema = z.discriminatedUnion('role', [guestJoin, operatorJoin])

export const emptySchema = z.object({})

// The core checks sizes and emptiness: its errors name the field, and replayed messages are checked by the same rules.
const content = {
  type: z.enum(['text', 'image']).nullish(),
  message: text.nullish(),
  /** A data URL. Clients in other languages send bytes. */
  image: z.string({ error: WRONG_IMAGE }).transform(toStorableText).nullish(),
  name: text.nullish(),
  mimeType: text.nullish(),
  size: z.number().nullish(),
  messageId: identifier.nullish(),
}

interface Content {
  readonly type?: 'text' | 'image' | null | undefined
  readonly message?: string | null | undefined
  readonly image?: string | null | undefined
}

// Panels of the first versions send no type.
const withType = <Payload extends Content>(payload: Payload) => ({
  ...payload,
  type: payload.type ?? (payload.image == null ? ('text' as const) : ('image' as const)),
})

const hasContent = ({ type, message, image }: Content): boolean => (type ?? message ?? image) != null

const NO_CONTENT = { error: 'is missing', path: ['message'] }

export const guestMessageSchema = z.object(content).refine(hasContent, NO_CONTENT).transform(withType)
export const operatorMessageSchema = z
  .object({ ...content, to: addressSchema })
  .refine(hasContent, NO_CONTENT)
  .transform(withType)

/** The content of a guest's or operator's message. */
export type MessagePayload = z.infer<typeof guestMessageSchema>

/** Guests end their own chat, and name none. */
export const endChatSchema = z.object({
  clientId: addressSchema.nullish(),
  to: addressSchema.nullish(),
  /** Empty counts as absent: forms send an empty field. */
  message: text.pipe(z.string().max(MAX_FIELD_LENGTH)).nullish(),
})

export const guestTypingSchema = z.object({ isTyping: z.boolean() })
export const operatorTypingSchema = z.object({ isTyping: z.boolean(), to: addressSchema })

const page = { before: z.string().max(MAX_FIELD_LENGTH).nullish(), limit: z.number().nullish() }

/** A number is a client's database id, a string the name of a conversation. */
const contact = {
  clientId: addressSchema.nullish(),
  username: username.nullish(),
  to: addressSchema.nullish(),
}

export const recentChatsSchema = z.object({ ...page, unreadOnly: z.boolean().nullish() })
/** Guests name no contact: they read their own conversation. */
export const historySchema = z.object({ ...page, ...contact })
export const markReadSchema = z.object({ ...contact, upToMessageId: id.nullish() })

export type ContactPayload = Pick<z.infer<typeof historySchema>, 'clientId' | 'username' | 'to'>
