/** A guest or client on one socket; only a socket that joined has one of these. */
export interface Guest {
  readonly role: 'client'
  /** The secret by which it comes back as itself. Never logged, never sent to anybody else. */
  readonly token: string
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
