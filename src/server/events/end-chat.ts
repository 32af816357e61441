import { addressOf, type ChatAddress } from '../../persistence/chats/address.js'
import type { Reply } from './answering.js'
import type { Listeners, ServerContext, SocketSession } from './server-context.js'
import { emptySchema, endChatSchema } from '../../protocol/payloads.js'
import { invalidPayload } from '../../protocol/refusals.js'
import { conversationRoom, guestAt, joinedAt, OPERATORS } from '../cluster/presence.js'
import { resolveAddress } from './address.js'
import { checkOneGiven } from './conversation.js'

/** What the guest of a chat reads when the operator gives no text. */
const ENDED = 'The operator has ended the chat.'

/** The end of a chat, by its guest or by an operator. In order: the others get the sender's last messages before it. */
export const endChatListeners = (chat: ServerContext, { socket, inOrder }: SocketSession): Listeners => {
  const { io, answer } = chat
  const endAsGuest = (): Promise<Reply> => {
    const { conversation: clientId } = guestAt(socket)
    return inOrder(() => {
      io.to(OPERATORS).emit('chatEnded', { clientId, to: clientId })
      return {}
    }, 'nothing')
  }
  return {
    // Older widgets say this.
    chatEnded: answer('chatEnded', emptySchema, endAsGuest),
    endChat: answer('endChat', endChatSchema, ({ clientId, to, message }) => {
      if (joinedAt(socket).role === 'client') return endAsGuest()
      const address = to ?? clientId
      if (to != null && clientId != null) checkOneGiven({ to, clientId }, ['to', 'clientId'])
      if (address == null) throw invalidPayload('endChat', ['clientId is missing'])
      return inOrder(() => endAsOperator(chat, address, message == null || message === '' ? ENDED : message))
    }),
  }
}

const endAsOperator = async (chat: ServerContext, address: ChatAddress, message: string): Promise<Reply> => {
  const { conversation, contact } = await resolveAddress(chat, address)
  if (conversation !== null) chat.io.to(conversationRoom(conversation)).emit('chatEnded', { message })
  const to = addressOf({ ...contact, sessionId: conversation }) ?? String(address)
  chat.io.to(OPERATORS).emit('chatEnded', { clientId: to, to, reason: 'operator' })
  return {}
}
