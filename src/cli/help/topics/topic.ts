/** What `chatkeep help NAME` prints. */
export interface Topic {
  readonly name: string
  /** Behind the name in a list. */
  readonly summary: string
  /** Long lines are wrapped behind their first column. */
  readonly text: string
}
