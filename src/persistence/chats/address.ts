import type { ChatMessage } from '../message.js'

/** Whom a message is for: a number is a client's id; a string is `client-42`, `name-maria`, a `sessionId`, else a guest's name. */
export type ChatAddress = number | string

/** What decides under which address a message's chat is found. */
type Addressed = Pick<ChatMessage, 'sessionId' | 'clientId' | 'guestUsername'>

/**
 * The address of a message's chat: its conversation, else its client or guest. A conversation that is called like an address of
 * the other two forms belongs to the client or guest of its messages, not to the one it names.
 * @returns null for a message that only has the id of a socket
 */
export const addressOf = ({ sessionId, clientId, guestUsername }: Addressed): string | null => {
  if (sessionId !== null && sessionId !== '' && !isReserved(sessionId)) return sessionId
  if (clientId !== null) return `client-${clientId}`
  if (guestUsername !== null) return `name-${guestUsername}`
  return sessionId === '' ? null : sessionId
}

/** What an address names by its form alone; undefined for one that is looked up as a conversation, else as a name. */
export const namedBy = (
  address: ChatAddress,
): { readonly clientId: number } | { readonly guestUsername: string } | undefined => {
  if (typeof address === 'number') return { clientId: address }
  const id = Number(CLIENT.exec(address)?.[1] ?? NaN)
  if (Number.isSafeInteger(id)) return { clientId: id }
  const guestUsername = NAME.exec(address)?.[1]
  return guestUsername === undefined ? undefined : { guestUsername }
}

const CLIENT = /^client-(0|-?[1-9]\d*)$/
const NAME = /^name-(.+)$/s

const isReserved = (sessionId: string): boolean => namedBy(sessionId) !== undefined
