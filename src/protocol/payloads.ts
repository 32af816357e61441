import * as z from 'zod/mini'
import { toStorableText } from '../persistence/content/storable-text.js'
import { usernameSchema as username } from '../persistence/prepare-message.js'

/** Enough for every conversation, which has 1,024 bytes at most, and for `name-` and a name, whose characters may take two units each. */
const MAX_ADDRESS_LENGTH = 1_024

const WRONG_ADDRESS = `is missing, or not a client's id, a conversation or a guest's name of at most ${MAX_ADDRESS_LENGTH} characters`

const WRONG_IMAGE = 'must be a string, a data URL such as data:image/png;base64,…'

/** Longest message id, name of a conversation, cursor or phone that a client may send, in UTF-16 units. */
const MAX_FIELD_LENGTH = 255

// In the form that is stored: broadcasts and later reads are then equal.
const text = z.pipe(z.string(), z.transform(toStorableText))

const atMost = (longest: number) => z.string().check(z.maxLength(longest))

const storable = (longest: number) =>
  atMost(longest).check(
    z.minLength(1),
    z.refine((value) => toStorableText(value) === value, 'contains a character that cannot be stored'),
  )

const identifier = storable(MAX_FIELD_LENGTH)

const shortText = z.pipe(text, atMost(MAX_FIELD_LENGTH))

// Blank becomes null: forms send an empty field.
const phone = z.pipe(
  shortText,
  z.transform((given) => (given.trim() === '' ? null : given)),
)

// Any that a number holds exactly.
const id = z.int()

/** Whom an operator means: a client's database id; the name of a conversation, else of a guest. */
export const addressSchema = z.union([id, storable(MAX_ADDRESS_LENGTH)], { error: WRONG_ADDRESS })

const guestJoin = z.pipe(
  z.pipe(
    z.object({
      role: z.literal('client'),
      username: z.nullish(z.string()),
      // The old widget sends this instead of `username`.
      name: z.nullish(z.string()),
      phone: z.nullish(phone),
      // Checked by the handler, which answers `invalid_token`.
      token: z.optional(z.unknown()),
    }),
    z.transform(({ username: given, name: old, ...rest }) => ({ ...rest, username: given ?? old })),
  ),
  z.object({
    role: z.literal('client'),
    username,
    phone: z.nullish(z.string()),
    token: z.optional(z.unknown()),
  }),
)

/** Who an operator is. */
export const operatorIdentitySchema = z.object({ name: username, operatorId: z.nullish(id) })

const operatorJoin = z.extend(operatorIdentitySchema, {
  role: z.literal('operator'),
  token: z.optional(z.unknown()),
})

export const joinSchema = z.discriminatedUnion('role', [guestJoin, operatorJoin])

export const emptySchema = z.object({})

// The core checks sizes and emptiness: its errors name the field, and replayed messages are checked by the same rules.
const content = {
  type: z.nullish(z.enum(['text', 'image'])),
  message: z.nullish(text),
  /** A data URL. Clients in other languages send bytes. */
  image: z.nullish(z.pipe(z.string(WRONG_IMAGE), z.transform(toStorableText))),
  name: z.nullish(text),
  mimeType: z.nullish(text),
  size: z.nullish(z.number()),
  messageId: z.nullish(identifier),
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

const needsContent = z.refine<Content>(hasContent, { error: 'is missing', path: ['message'] })

export const guestMessageSchema = z.pipe(z.object(content).check(needsContent), z.transform(withType))
export const operatorMessageSchema = z.pipe(
  z.object({ ...content, to: addressSchema }).check(needsContent),
  z.transform(withType),
)

/** The content of a guest's or operator's message. */
export type MessagePayload = z.infer<typeof guestMessageSchema>

/** Guests end their own chat, and name none. */
export const endChatSchema = z.object({
  clientId: z.nullish(addressSchema),
  to: z.nullish(addressSchema),
  /** Empty counts as absent: forms send an empty field. */
  message: z.nullish(shortText),
})

export const guestTypingSchema = z.object({ isTyping: z.boolean() })
export const operatorTypingSchema = z.object({ isTyping: z.boolean(), to: addressSchema })

const page = { before: z.nullish(atMost(MAX_FIELD_LENGTH)), limit: z.nullish(z.number()) }

/** A number is a client's database id, a string the name of a conversation. */
const contact = {
  clientId: z.nullish(addressSchema),
  username: z.nullish(username),
  to: z.nullish(addressSchema),
}

export const recentChatsSchema = z.object({ ...page, unreadOnly: z.nullish(z.boolean()) })
/** Guests name no contact: they read their own conversation. */
export const historySchema = z.object({ ...page, ...contact })
export const markReadSchema = z.object({ ...contact, upToMessageId: z.nullish(id) })

export type ContactPayload = Pick<z.infer<typeof historySchema>, 'clientId' | 'username' | 'to'>
