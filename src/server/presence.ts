import type { ChatIo, ChatSocket } from './chat.js'
import type { ConnectedOperator } from './outgoing.js'
import type { Guest, Operator, Participant } from './participants.js'
import { forbidden, notJoined } from './refusals.js'

/** All operators' sockets. */
export const OPERATORS = 'operators'

/** All sockets (tabs) of one conversation. The prefix keeps an operator's `to` from naming any other room, such as a socket's own. */
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

/** The guest of a conversation as it joined last, if any of its sockets is connected. */
export const connectedGuest = (io: ChatIo, conversation: string): Guest | undefined => {
  const participant = participantsIn(io, conversationRoom(conversation)).at(-1)
  return participant?.role === 'client' ? participant : undefined
}

/** One entry an operator, however many sockets they have. */
export const connectedOperators = (io: ChatIo): readonly ConnectedOperator[] => {
  const operators = participantsIn(io, OPERATORS).filter((participant) => participant.role === 'operator')
  return operators
    .filter((operator, index) => operators.findIndex((other) => isSameOperator(other, operator)) === index)
    .map(toConnectedOperator)
}

/** Puts the socket into its rooms, leaving those of an earlier join, and tells the operators who is new. */
export const enter = (io: ChatIo, socket: ChatSocket, participant: Participant): void => {
  leave(io, socket)
  const isNew = !isConnected(io, participant)
  socket.data.participant = participant
  // At once, since rooms are in this process's memory: the next event of the same packet finds the socket joined.
  void socket.join(roomOf(participant))
  if (isNew) announce(io, socket, participant)
}

/** Takes the socket out of its rooms and tells the operators when an operator is gone; also after a disconnect. */
export const leave = (io: ChatIo, socket: ChatSocket): void => {
  const { participant } = socket.data
  if (participant === undefined) return
  delete socket.data.participant
  void socket.leave(roomOf(participant))
  if (participant.role === 'operator' && !isConnected(io, participant)) {
    io.to(OPERATORS).emit('operatorDisconnected', toConnectedOperator(participant))
  }
}

const roomOf = (participant: Participant): string =>
  participant.role === 'operator' ? OPERATORS : conversationRoom(participant.conversation)

const participantsIn = (io: ChatIo, room: string): readonly Participant[] => {
  const ids = io.sockets.adapter.rooms.get(room) ?? new Set<string>()
  return Array.from(ids, (id) => io.sockets.sockets.get(id)?.data.participant).filter((found) => found !== undefined)
}

const isConnected = (io: ChatIo, participant: Participant): boolean =>
  participantsIn(io, roomOf(participant)).some(
    (other) => participant.role === 'client' || (other.role === 'operator' && isSameOperator(other, participant)),
  )

const isSameOperator = (one: Operator, other: Operator): boolean =>
  one.operatorId === other.operatorId && one.name === other.name

const toConnectedOperator = ({ operatorId, name }: Operator): ConnectedOperator => ({ operatorId, name })

/**
 * A chat is new when none of its sockets was connected at the join. So a guest who comes back is announced again, under the
 * same `clientId`: to remember everybody who was ever here would cost memory without bound, and a panel keyed by it loses nothing.
 */
const announce = (io: ChatIo, socket: ChatSocket, participant: Participant): void => {
  if (participant.role === 'operator') {
    socket.to(OPERATORS).emit('operatorConnected', toConnectedOperator(participant))
    return
  }
  io.to(OPERATORS).emit('newChat', { clientId: participant.conversation, username: participant.username })
}
