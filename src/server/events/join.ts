import type * as z from 'zod'
import type { OperatorError } from '../../errors.js'
import type { Reply } from './answering.js'
import type { ServerContext, Listeners, SocketSession } from './server-context.js'
import { conversationOf, createGuestToken, isGuestToken } from '../../protocol/identity.js'
import { isOperatorSecret } from '../protection/operator-secret.js'
import { joinSchema } from '../../protocol/payloads.js'
import { enter } from '../cluster/presence.js'
import { invalidToken, operatorsDisabled, tooManyGuesses, wrongOperatorSecret } from '../../protocol/refusals.js'

type JoinPayload = z.infer<typeof joinSchema>
type GuestJoin = Extract<JoinPayload, { role: 'client' }>
type OperatorJoin = Extract<JoinPayload, { role: 'operator' }>

/** `join`, which makes a socket a guest's or an operator's. A second join replaces the first. */
export const joinListeners = (chat: ServerContext, session: SocketSession): Listeners => ({
  join: chat.answer('join', joinSchema, (payload) =>
    payload.role === 'client' ? joinAsGuest(chat, session, payload) : joinAsOperator(chat, session, payload),
  ),
})

const joinAsGuest = (
  chat: ServerContext,
  session: SocketSession,
  { username, phone, token: presented }: GuestJoin,
): Reply => {
  const token = guestToken(session, presented)
  const conversation = conversationOf(token)
  session.place.moveTo('guests')
  session.guestToken = token
  enter(chat, session.socket, { role: 'client', conversation, username, phone: phone ?? null })
  return { answer: { token, clientId: conversation } }
}

// A widget without tokens that joins twice on one socket stays in its conversation.
const guestToken = (session: SocketSession, presented: unknown): string => {
  if (presented == null) return session.guestToken ?? createGuestToken()
  if (typeof presented === 'string' && isGuestToken(presented)) return presented
  throw invalidToken()
}

const joinAsOperator = (
  chat: ServerContext,
  session: SocketSession,
  { name, operatorId, token }: OperatorJoin,
): Reply => {
  const refusal = refusalOf(chat, session, token)
  if (refusal !== undefined) {
    session.isRefused = true
    return { error: refusal, afterwards: () => session.socket.disconnect(true) }
  }
  session.place.moveTo('operators')
  session.guestToken = undefined
  enter(chat, session.socket, { role: 'operator', operatorId: operatorId ?? null, name })
  return {}
}

// An early join is refused unseen: otherwise the wait would not slow down a guesser.
const refusalOf = (
  { operatorSecret, addressOf, guessGuard }: ServerContext,
  { socket }: SocketSession,
  token: unknown,
): OperatorError | undefined => {
  const address = addressOf(socket.request)
  const waitMs = guessGuard.waitMs(address)
  if (operatorSecret !== undefined && waitMs === 0 && isOperatorSecret(token, operatorSecret)) return undefined
  guessGuard.refused(address, waitMs > 0 ? 'early' : 'wrong')
  if (operatorSecret === undefined) return operatorsDisabled()
  return waitMs > 0 ? tooManyGuesses(waitMs) : wrongOperatorSecret()
}
