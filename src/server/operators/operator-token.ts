import { createHash, randomBytes } from 'node:crypto'
import type { NamedOperator } from '../named-operator.js'

/** What the file keeps of a token. */
export type TokenHash = Pick<NamedOperator, 'keyId' | 'hash'>

const KEY_ID_BYTES = 6
const SECRET_BYTES = 24
const TOKEN = /^([\w-]{8})\.[\w-]{32}$/

/** Creates what an operator presents: the id of the key, a dot, and a secret of 192 random bits. */
export const createOperatorToken = (): string =>
  `${randomBytes(KEY_ID_BYTES).toString('base64url')}.${randomBytes(SECRET_BYTES).toString('base64url')}`

/**
 * Hashes a token, fast: only secrets that can be guessed need a slow hash.
 * @returns undefined for what is not a token
 */
export const readOperatorToken = (token: string): TokenHash | undefined => {
  const keyId = TOKEN.exec(token)?.[1]
  return keyId === undefined ? undefined : { keyId, hash: createHash('sha256').update(token).digest('base64url') }
}
