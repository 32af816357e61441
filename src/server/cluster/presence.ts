import { isDeepStrictEqual } from 'node:util'
import type { ChatIo, ChatSocket } from '../chat-io.js'
import type { Peers } from './peers.js'
import { toNewChat, type ConnectedOperator } from '../../protocol/outgoing.js'
import type { Departures } from './departures.js'
import { participantKey, type Guest, type Operator, type Participant } from '../../protocol/participants.js'
import { forbidden, notJoined } from '../../protocol/refusals.js'

/** The room of all operators' sockets. */
export const OPERATORS = 'operators'

/** The room of all sockets (tabs) of one conversation. With the prefix, an operator's `to` cannot name any other room, such as a socket's own. */
export const conversationRoom = (conversation: string): string => `conversation:${conversation}`

/** @throws OperatorError `not_joined` */
export const joinedAt = (socket: ChatSocket): Participant => {
  const { participant } = socket.data
  if (participant === undefined) throw notJoined()
  return participant
}

/** @throws OperatorError `not_joined`, or `forbidden` for an operator */
export const guestAt = (socket: ChatSocket): Guest => {
  const participant = joinedAt(socket)
  if (participant.role !== 'client') throw forbidden(participant.role)
  return participant
}

/** @throws OperatorError `not_joined`, or `forbidden` for a guest */
export const operatorAt = (socket: ChatSocket): Operator => {
  const participant = joinedAt(socket)
  if (participant.role !== 'operator') throw forbidden(participant.role)
  return participant
}

/** The guest of a conversation, as last joined, if connected to this server or another. */
export const connectedGuest = ({ io, peers }: PresentChat, conversation: string): Guest | undefined => {
  const here = participantsIn(io, conversationRoom(conversation)).at(-1)
  if (here?.role === 'client') return here
  const elsewhere = peers.find(participantKey({ role: 'client', conversation, username: '', phone: null }))
  return elsewhere?.role === 'client' ? elsewhere : undefined
}

/** One entry per guest, whatever the number of sockets and servers. */
export const connectedGuests = ({ io, peers }: PresentChat): readonly Guest[] =>
  oncePerKey([...participantsHere(io), ...peers.all()]).filter((participant) => participant.role === 'client')

/** One entry per operator, whatever the number of sockets and servers. */
export const connectedOperators = ({ io, peers }: PresentChat): readonly ConnectedOperator[] =>
  oncePerKey([...participantsIn(io, OPERATORS), ...peers.all()])
    .filter((participant) => participant.role === 'operator')
    .map(toConnectedOperator)

/** What each socket of this server joined as; undefined for one that has not joined. */
export const participantsOf = (io: ChatIo): readonly (Participant | undefined)[] =>
  Array.from(io.sockets.values(), ({ data }) => data.participant)

/** One entry per guest or operator with a socket on this server. */
export const participantsHere = (io: ChatIo): readonly Participant[] =>
  oncePerKey(participantsOf(io).filter((one) => one !== undefined))

/** Whether the participant has a socket on this server. */
export const isHere = (io: ChatIo, participant: Participant): boolean =>
  participantsIn(io, roomOf(participant)).some((other) => participantKey(other) === participantKey(participant))

/**
 * Moves the socket into the participant's room, out of that of an earlier join, and announces a new participant. A client that
 * joins in the handshake and by the event does not come twice.
 */
export const enter = (chat: Meeting, socket: ChatSocket, participant: Participant): void => {
  if (isDeepStrictEqual(socket.data.participant, participant)) return
  leave(chat, socket)
  const { io, peers } = chat
  const isNew = !isConnected(chat, participant)
  socket.data.participant = participant
  // Synchronous, since rooms are in memory: the next event of the same packet finds the socket joined.
  void socket.join(roomOf(participant))
  peers.entered(participant)
  if (isNew) announceArrival(io, participant, socket.id)
}

/** Removes the socket from its room, and announces whose last socket it was; also called after a disconnect. */
export const leave = (chat: Meeting, socket: ChatSocket): void => {
  const { participant } = socket.data
  if (participant === undefined) return
  const { io, peers, departures } = chat
  delete socket.data.participant
  void socket.leave(roomOf(participant))
  if (isHere(io, participant)) return
  peers.left(participant)
  if (isConnected(chat, participant)) return
  if (participant.role === 'client') departures.left(participant)
  else announceOperatorLeft(io, participant)
}

/**
 * Announces a participant to the operators on this server; other servers tell theirs. A chat is new when the guest had no socket
 * at the join. A returning guest is therefore announced again under the same `clientId`: remembering all guests would need
 * unbounded memory, and a panel keyed by `clientId` loses nothing.
 * @param except the operator's own socket
 */
export const announceArrival = (io: ChatIo, participant: Participant, except = ''): void => {
  if (participant.role === 'operator') {
    io.local.to(OPERATORS).except(except).emit('operatorConnected', toConnectedOperator(participant))
    return
  }
  io.local.to(OPERATORS).emit('newChat', toNewChat(participant))
}

/** To the operators on this server. */
export const announceOperatorLeft = (io: ChatIo, operator: Operator): void => {
  io.local.to(OPERATORS).emit('operatorDisconnected', toConnectedOperator(operator))
}

/** To the operators on this server. */
export const announceGuestLeft = (io: ChatIo, { conversation: clientId }: Guest): void => {
  io.local.to(OPERATORS).emit('chatEnded', { clientId, to: clientId, reason: 'disconnect' })
}

/** The sockets of this server, and the participants on the others. */
export interface PresentChat {
  readonly io: ChatIo
  readonly peers: Peers
}

/** Where participants come and go. */
export interface Meeting extends PresentChat {
  readonly departures: Departures
}

/** Whether the participant has a socket on this server or another. */
export const isConnected = ({ io, peers }: PresentChat, participant: Participant): boolean =>
  isHere(io, participant) || peers.find(participantKey(participant)) !== undefined

const roomOf = (participant: Participant): string =>
  participant.role === 'operator' ? OPERATORS : conversationRoom(participant.conversation)

const participantsIn = (io: ChatIo, room: string): readonly Participant[] => {
  const ids = io.adapter.rooms.get(room) ?? new Set<string>()
  return Array.from(ids, (id) => io.sockets.get(id)?.data.participant).filter((found) => found !== undefined)
}

const oncePerKey = (participants: readonly Participant[]): readonly Participant[] => [
  ...new Map(participants.map((participant) => [participantKey(participant), participant])).values(),
]

export const toConnectedOperator = ({ operatorId, name }: Operator): ConnectedOperator => ({ operatorId, name })
