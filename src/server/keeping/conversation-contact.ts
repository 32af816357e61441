/** Whose conversation it is, as far as the server knows. */
export interface ConversationContact {
  readonly clientId: number | null
  readonly guestUsername: string | null
  readonly guestPhone: string | null
}
