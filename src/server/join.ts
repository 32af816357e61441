import type * as z from 'zod'
import type { Reply } from './answering.js'
import type { Chat, ChatSocket, Listeners, Seat } from './chat.js'
import { conversationOf, createGuestToken, isGuestToken } from './identity.js'
import { isOperatorSecret } from './operator-secret.js'
import { joinSchema } from './payloads.js'
import { enter } from './presence.js'
import { invalidToken, unauthorized } from './refusals.js'

type JoinPayload = z.infer<typeof joinSchema>
type GuestJoin = Extract<JoinPayload, { role: 'client' }>
type OperatorJoin = Extract<JoinPayload, { role: 'operator' }>

/** How a socket becomes a guest's or an operator's. A second join replaces the first. */
export const joinListeners = (chat: Chat, { socket }: Seat): Listeners => ({
  join: chat.answer('join', joinSchema, (payload) =>
    payload.role === 'client' ? joinAsGuest(chat, socket, payload) : joinAsOperator(chat, socket, payload),
  ),
})

const joinAsGuest = ({ io }: Chat, socket: ChatSocket, { username, phone, token: presented }: GuestJoin): Reply => {
  const token = guestToken(socket, presented)
  const conversation = conversationOf(token)
  enter(io, socket, { role: 'client', token, conversation, username, phone: phone ?? null })
  return { answer: { token, clientId: conversation } }
}

// A widget that knows no tokens and joins twice on one socket goes on in its conversation.
const guestToken = (socket: ChatSocket, presented: unknown): string => {
  const { participant } = socket.data
  if (presented == null) return participant?.role === 'client' ? participant.token : createGuestToken()
  if (typeof presented === 'string' && isGuestToken(presented)) return presented
  throw invalidToken()
}

const joinAsOperator = (chat: Chat, socket: ChatSocket, { name, operatorId, token }: OperatorJoin): Reply => {
  const { io, operatorSecret, log } = chat
  if (operatorSecret === undefined || !isOperatorSecret(token, operatorSecret)) {
    log.warn({ event: 'operator_refused', socket: socket.id }, 'an operator was refused: no secret, or a wrong one')
    const reason =
      operatorSecret === undefined ? 'this server takes no operators' : 'the operator secret is missing or wrong'
    return { error: unauthorized(reason), afterwards: () => socket.disconnect(true) }
  }
  enter(io, socket, { role: 'operator', operatorId: operatorId ?? null, name })
  return {}
}
