import type * as z from 'zod'
import type { Reply } from './answering.js'
import type { Chat, Listeners, Seat } from './chat.js'
import { conversationOf, createGuestToken, isGuestToken } from './identity.js'
import { isOperatorSecret } from './operator-secret.js'
import { joinSchema } from './payloads.js'
import { enter } from './presence.js'
import { invalidToken, unauthorized } from './refusals.js'

type JoinPayload = z.infer<typeof joinSchema>
type GuestJoin = Extract<JoinPayload, { role: 'client' }>
type OperatorJoin = Extract<JoinPayload, { role: 'operator' }>

/** How a socket becomes a guest's or an operator's. A second join replaces the first. */
export const joinListeners = (chat: Chat, seat: Seat): Listeners => ({
  join: chat.answer('join', joinSchema, (payload) =>
    payload.role === 'client' ? joinAsGuest(chat, seat, payload) : joinAsOperator(chat, seat, payload),
  ),
})

const joinAsGuest = (chat: Chat, seat: Seat, { username, phone, token: presented }: GuestJoin): Reply => {
  const token = guestToken(seat, presented)
  const conversation = conversationOf(token)
  seat.guestToken = token
  enter(chat, seat.socket, { role: 'client', conversation, username, phone: phone ?? null })
  return { answer: { token, clientId: conversation } }
}

// A widget that knows no tokens and joins twice on one socket goes on in its conversation.
const guestToken = (seat: Seat, presented: unknown): string => {
  if (presented == null) return seat.guestToken ?? createGuestToken()
  if (typeof presented === 'string' && isGuestToken(presented)) return presented
  throw invalidToken()
}

const joinAsOperator = (chat: Chat, seat: Seat, { name, operatorId, token }: OperatorJoin): Reply => {
  const { operatorSecret, log } = chat
  if (operatorSecret === undefined || !isOperatorSecret(token, operatorSecret)) {
    log.warn(
      { event: 'operator_refused', socket: seat.socket.id },
      'an operator was refused: no secret, or a wrong one',
    )
    const reason =
      operatorSecret === undefined ? 'this server takes no operators' : 'the operator secret is missing or wrong'
    return { error: unauthorized(reason), afterwards: () => seat.socket.disconnect(true) }
  }
  seat.guestToken = undefined
  enter(chat, seat.socket, { role: 'operator', operatorId: operatorId ?? null, name })
  return {}
}
