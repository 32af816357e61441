/** A guest or client on one socket; only a socket that joined has one of these. */
export interface Guest {
  readonly role: 'client'
  /** The public name of its conversation. */
  readonly conversation: string
  readonly username: string
  readonly phone: string | null
}

/** An operator on one socket. */
export interface Operator {
  readonly role: 'operator'
  /** Id in "User"; null for one who is not in there. */
  readonly operatorId: number | null
  readonly name: string
}

export type Participant = Guest | Operator

/** The same for all sockets of one guest, or of one operator, on whichever server. */
export const participantKey = (participant: Participant): string =>
  participant.role === 'client'
    ? `client ${participant.conversation}`
    : `operator ${participant.operatorId ?? '-'} ${participant.name}`
