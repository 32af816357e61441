import type { ChatMessage } from '../../persistence/message.js'
import { addressOf } from '../../persistence/chats/address.js'
import { nameOperators } from './operator-names.js'
import type { Reply } from './answering.js'
import type { ServerContext, Listeners, SocketSession } from './server-context.js'
import { contactsOf } from './conversation.js'
import { hideCursor, revealCursor } from '../../protocol/opaque-text.js'
import { toGuestHistoryMessage, type GuestHistoryMessage } from '../../protocol/outgoing.js'
import type { Guest } from '../../protocol/participants.js'
import { historySchema, type ContactPayload } from '../../protocol/payloads.js'
import { joinedAt } from '../cluster/presence.js'
import { pageOf, type Page } from './page.js'

/** `history`, the one event that both roles have: guests read their own conversation, operators any. */
export const historyListeners = (chat: ServerContext, { socket, inOrder, traffic }: SocketSession): Listeners => ({
  history: chat.answer('history', historySchema, ({ before, limit, ...whose }) => {
    const participant = joinedAt(socket)
    const page = pageOf({ before, limit })
    return inOrder(() =>
      participant.role === 'client'
        ? traffic.read(() => readGuestHistory(chat, participant, page), bytesIn).then(toReply)
        : readOperatorHistory(chat, whose, page),
    )
  }),
})

/** The guest's own conversation, which only the token selects. */
const readGuestHistory = async (
  chat: ServerContext,
  { conversation }: Guest,
  { before, ...page }: Page,
): Promise<GuestPage> => {
  const { store, opaque } = chat
  const cursor = before === undefined ? undefined : revealCursor(opaque, before)
  const { messages, nextBefore } = await store.getChatHistory({ sessionId: conversation, before: cursor, ...page })
  const nameOf = await nameOperators(chat, messages)
  return {
    messages: messages.map((message) => ({
      ...toGuestHistoryMessage(conversation, message, { opaque, keysOf: store.idempotencyScope }),
      operatorName: nameOf(message),
    })),
    nextBefore: nextBefore === null ? null : hideCursor(opaque, nextBefore),
  }
}

const readOperatorHistory = async (chat: ServerContext, whose: ContactPayload, page: Page): Promise<Reply> => {
  const { messages, nextBefore } = await chat.store.getChatHistory({ ...(await contactsOf(chat, whose)), ...page })
  const nameOf = await nameOperators(chat, messages)
  return {
    answer: {
      messages: messages.map((message) => ({
        ...message,
        to: addressOf(message),
        operatorName: nameOf(message),
      })),
      nextBefore,
    },
  }
}

interface GuestPage {
  readonly messages: readonly (GuestHistoryMessage & { readonly operatorName: string | null })[]
  readonly nextBefore: string | null
}

const toReply = ({ messages, nextBefore }: GuestPage): Reply => ({ answer: { messages, nextBefore } })

interface TextPage {
  readonly messages: readonly Pick<ChatMessage, 'text' | 'imageUrl'>[]
}

/** Roughly what a page takes on the wire beside texts and images, for each message. */
const MESSAGE_BYTES = 300

export const bytesIn = ({ messages }: TextPage): number =>
  messages.reduce((sum, { text, imageUrl }) => sum + MESSAGE_BYTES + (text?.length ?? 0) + (imageUrl?.length ?? 0), 0)
