import { setImmediate as nextTurn } from 'node:timers/promises'
import * as z from 'zod/mini'
import type { InFlight } from '../concurrency/in-flight.js'
import type { OperatorError } from '../errors.js'
import type { WireError } from '../protocol/acknowledgement.js'
import { ERROR_CODES } from '../protocol/error-codes.js'
import { invalidPacket, joinRefused, joinTimeout, notJoined, unknownEvent } from '../protocol/refusals.js'
import type { ChatSocket, Listener } from './chat-io.js'
import { leave } from './cluster/presence.js'
import type { Answers } from './events/answers.js'
import { createAnswer } from './events/answering.js'
import { createEventGate } from './events/event-gate.js'
import { endChatListeners } from './events/end-chat.js'
import { guestListeners } from './events/guest-events.js'
import { historyListeners } from './events/history-events.js'
import { joinListeners } from './events/join.js'
import { operatorListeners } from './events/operator-events.js'
import { watchQuiet } from './events/quiet.js'
import { createRequestQueue } from './events/request-queue.js'
import type { ServerContext, SocketSession } from './events/server-context.js'
import { createTellRefusal } from './events/tell-refusal.js'
import { toWireError } from './events/wire-error.js'
import type { ChatLimits } from './protection/limits.js'
import type { ConnectionPlace } from './protection/connection-pools.js'
import type { Quota } from './protection/quota.js'
import type { WarnRarely } from '../rare-log.js'
import { endWhenUnread } from './protection/slow-reader.js'
import type { Traffic } from './protection/traffic.js'

/** What a socket needs: the parts that all sockets of a server share, and a quota of its own. */
export interface SocketParts extends Omit<ServerContext, 'answer'> {
  readonly inFlight: InFlight
  readonly limits: ChatLimits
  readonly quota: Quota
  readonly place: ConnectionPlace
  readonly traffic: Traffic
  readonly answers: Answers
  /** Under which a guest joins who presents none. */
  readonly guestToken: string
  readonly warnRarely: WarnRarely
}

const LISTENERS = [joinListeners, guestListeners, operatorListeners, historyListeners, endChatListeners]

/** Serves one socket from its connection to its disconnection. */
export const serveSocket = (parts: SocketParts, socket: ChatSocket): void => {
  const { inFlight, limits, log, observer, place, traffic, warnRarely } = parts
  const session: SocketSession = {
    ...{ socket, place, traffic, guestToken: parts.guestToken },
    inOrder: createRequestQueue(parts.sink.journalState() === undefined ? 'none' : 'open'),
    gate: createEventGate(parts.quota, (events, reason) =>
      logNeverJoined(parts, socket, events, reason ?? session.refusal),
    ),
    feed: parts.answers.feedOf(socket, traffic),
  }
  const unjoined: Unjoined = {}
  const tellRefusal = createTellRefusal(socket, warnRarely)
  const onJoinRefused = (error: unknown): void => noteRefusedJoin(session, unjoined, toWireError(error))
  const answer = createAnswer({ ...parts, session, tellRefusal, onJoinRefused })
  const chat: ServerContext = { ...parts, answer }
  const listeners = listen(chat, session)

  socket.on('error', (error) => endInvalid(parts, socket, error))
  if (parts.connections === 'own')
    endWhenUnread(socket.conn, limits.maxUnreadCharacters, () => {
      observer.limited('maxUnreadCharacters')
      warnRarely({ event: 'slow_reader', socket: socket.id }, 'connection ended: the client does not read')
    })
  const endHeld = (): void => session.gate.end(reasonOf(unjoined))
  const joinTimer = setTimeout(() => {
    // A server that stops ends all connections anyway, and in its own way.
    if (socket.data.participant === undefined && !inFlight.closing) endUnjoined(parts, socket, unjoined, endHeld)
  }, limits.joinTimeoutMs)
  const quiet = watchQuiet(socket)
  // What a client is about to send, its join too, is in flight as well.
  const letFinish = async (): Promise<void> => {
    session.gate.hurry()
    await quiet()
    endHeld()
    // Until the answers to what was held are sent.
    await nextTurn()
  }
  const forget = inFlight.onClosing(() => inFlight.add(letFinish(), () => undefined, socket))
  log.debug({ event: 'connected', socket: socket.id, transport: socket.conn.transport.name }, 'socket connected')
  socket.on('disconnect', (reason) => {
    clearTimeout(joinTimer)
    forget()
    session.gate.end()
    leave(chat, socket)
    log.debug({ event: 'disconnected', socket: socket.id, reason }, 'socket disconnected')
  })
  joinByHandshake(socket, listeners)
}

/** Registers the listeners of all events; every other event is refused. */
const listen = (chat: ServerContext, session: SocketSession): ReadonlyMap<string, Listener> => {
  const { socket } = session
  const listeners = new Map(LISTENERS.flatMap((listenersOf) => Object.entries(listenersOf(chat, session))))
  for (const [event, listener] of listeners) socket.on(event, listener)
  const refuse = chat.answer('unknown', z.unknown(), () => {
    throw unknownEvent()
  })
  socket.onAny((event: string, ...args: unknown[]) => {
    if (!listeners.has(event)) refuse(...args)
  })
  return listeners
}

/** Joins with what stands in the handshake, before any event of the socket is handled. */
const joinByHandshake = (socket: ChatSocket, listeners: ReadonlyMap<string, Listener>): void => {
  const { auth } = socket.handshake
  if (Object.hasOwn(auth, 'role')) listeners.get('join')?.(auth)
}

// Socket.IO then ends the connection. A client may send an event of the same name, but it cannot carry an Error.
const endInvalid = ({ warnRarely }: SocketParts, socket: ChatSocket, error: unknown): void => {
  if (!(error instanceof Error)) return
  warnRarely({ event: 'invalid_packet', socket: socket.id }, 'connection ended: invalid packet')
  socket.emit('refused', toWireError(invalidPacket()))
}

/** What happened before the join of a socket. */
interface Unjoined {
  /** Why its last join was refused. */
  refusal?: WireError
}

/**
 * A join that is refused because of what stands in it would be refused again: what waits for it is refused at once. After any
 * other refusal the client may join again on the same connection, without its token or when there is a place.
 */
const noteRefusedJoin = ({ socket, gate }: SocketSession, unjoined: Unjoined, refusal: WireError): void => {
  if (socket.data.participant !== undefined) return
  unjoined.refusal = refusal
  if (ERROR_CODES[refusal.code].concerns === 'request') gate.refuse(joinRefused(refusal))
}

/** Why what waits for a join is refused when none comes. */
const reasonOf = ({ refusal }: Unjoined): OperatorError => (refusal === undefined ? notJoined() : joinRefused(refusal))

const logNeverJoined = (
  { warnRarely }: SocketParts,
  { id }: ChatSocket,
  events: number,
  reason: OperatorError | undefined,
): void =>
  warnRarely(
    { event: 'never_joined', socket: id, events, reason: reason?.message ?? 'the client has left' },
    'events refused: their socket did not join',
  )

// Closes the connection rather than the socket: a page that is not ready to join yet then reconnects automatically.
const endUnjoined = (
  { connections, limits, log, observer }: SocketParts,
  socket: ChatSocket,
  { refusal }: Unjoined,
  endHeld: () => void,
): void => {
  observer.limited('joinTimeoutMs')
  log.debug({ event: 'join_timeout', socket: socket.id }, 'connection ended: no join in time')
  socket.emit('refused', refusal ?? toWireError(joinTimeout(limits.joinTimeoutMs)))
  endHeld()
  // After the answers to what was held, which are sent in this turn.
  setImmediate(() => (connections === 'own' ? socket.conn.close() : socket.disconnect()))
}
