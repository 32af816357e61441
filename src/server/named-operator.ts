/** One line of the file of operators: who its token makes an operator. */
export interface NamedOperator {
  readonly keyId: string
  /** Of the whole token. */
  readonly hash: string
  /** Id in "User"; null for an operator without one. */
  readonly operatorId: number | null
  readonly name: string
}
