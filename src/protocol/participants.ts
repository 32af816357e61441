/** A guest or client on a socket that has joined. */
export interface Guest {
  readonly role: 'client'
  /** The public name of the conversation. */
  readonly conversation: string
  readonly username: string
  readonly phone: string | null
}

/** An operator on a socket that has joined. */
export interface Operator {
  readonly role: 'operator'
  /** Id in "User"; null for an operator without one. */
  readonly operatorId: number | null
  readonly name: string
}

export type Participant = Guest | Operator

/** Identifies a guest or an operator: the same for all sockets, on every server. */
export const participantKey = (participant: Participant): string =>
  participant.role === 'client'
    ? `client ${participant.conversation}`
    : `operator ${participant.operatorId ?? '-'} ${participant.name}`
