import { createHash, randomBytes } from 'node:crypto'

/** 128 bits, as 22 characters of base64url. */
const TOKEN_BYTES = 16
const TOKEN = /^[A-Za-z0-9_-]{22}$/

/** A new secret that identifies a returning guest. Only its hash is stored. */
export const createGuestToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url')

/** Whether the text has the form of a guest token; whether it was ever issued is not checked. */
export const isGuestToken = (text: string): boolean => TOKEN.test(text)

/**
 * The public name of a token's conversation: permanent, neither a secret nor a database id. It is stored as the `sessionId` of
 * the messages, so the token is stored only as this hash.
 */
export const conversationOf = (token: string): string =>
  `guest-${createHash('sha256').update(`chatkeep conversation ${token}`).digest('base64url').slice(0, 22)}`
