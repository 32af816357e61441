import type * as z from 'zod/mini'
import { OperatorError } from '../../errors.js'
import type { ChatSocket } from '../chat-io.js'
import type { Reply } from './answering.js'
import { MAX_PAGE_BYTES } from './page.js'
import { isReturning } from './returning-guest.js'
import type { ServerContext, Listeners, SocketSession } from './server-context.js'
import { conversationOf, createGuestToken, isGuestToken } from '../../protocol/identity.js'
import { toNewChat } from '../../protocol/outgoing.js'
import { joinSchema } from '../../protocol/payloads.js'
import { connectedGuests, enter, toConnectedOperator } from '../cluster/presence.js'
import { invalidToken, joinRefused } from '../../protocol/refusals.js'
import { toWireError } from './wire-error.js'

type JoinPayload = z.infer<typeof joinSchema>
type GuestJoin = Extract<JoinPayload, { role: 'client' }>
type OperatorJoin = Extract<JoinPayload, { role: 'operator' }>

/** `join`, which makes a socket a guest's or an operator's. A second join replaces the first. */
export const joinListeners = (chat: ServerContext, session: SocketSession): Listeners => ({
  join: chat.answer('join', joinSchema, (payload) =>
    payload.role === 'client'
      ? joinAsGuest(chat, session, payload)
      : // The application or the database may be asked.
        session.gate.during(joinAsOperator(chat, session, payload)),
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
  session.gate.open()
  const welcome = { token, clientId: conversation, ...limitsOf(chat) }
  const isNew = presented == null && !isReturning(session.socket)
  return {
    answer: welcome,
    afterwards: () => {
      session.socket.emit('joined', welcome)
      session.feed.follow(conversation, isNew)
    },
  }
}

/** What a client has to know: it is not told of a packet that is too large, whose connection is ended. */
const limitsOf = ({ limits: { maxMessageBytes } }: ServerContext) => ({ maxMessageBytes })

// A widget without tokens stays in its conversation when it joins twice on one socket, or reconnects.
const guestToken = (session: SocketSession, presented: unknown): string => {
  if (presented == null) return session.guestToken ?? createGuestToken()
  if (typeof presented === 'string' && isGuestToken(presented)) return presented
  throw invalidToken()
}

/** As many as one answer may hold; `recentChats` finds the others once they have written. */
const tellGuests = (chat: ServerContext, socket: ChatSocket): void => {
  let bytes = 0
  for (const guest of connectedGuests(chat)) {
    const newChat = toNewChat(guest)
    bytes += JSON.stringify(newChat).length
    if (bytes > MAX_PAGE_BYTES) return
    socket.emit('newChat', newChat)
  }
}

const joinAsOperator = async (chat: ServerContext, session: SocketSession, claim: OperatorJoin): Promise<Reply> => {
  const { socket } = session
  try {
    const { participant, named } = await chat.operatorAccess.admit(socket.request, claim)
    if (!socket.connected) return {}
    session.place.moveTo('operators')
    session.guestToken = undefined
    session.feed.end()
    socket.data.named = named
    enter(chat, socket, participant)
    session.gate.open()
    const limits = limitsOf(chat)
    return {
      answer: limits,
      afterwards: () => {
        socket.emit('joined', { ...toConnectedOperator(participant), ...limits })
        tellGuests(chat, socket)
      },
    }
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    session.refusal = joinRefused(toWireError(error))
    session.gate.end()
    // After the senders of what waited were told, in this turn.
    return { error, afterwards: () => setImmediate(() => socket.disconnect(chat.connections === 'own')) }
  }
}
