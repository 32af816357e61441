import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  scryptSync,
  timingSafeEqual,
} from 'node:crypto'
import { notACursor } from '../persistence/ids/cursor.js'

/** Texts that a guest is handed and may hand back, but cannot read. */
export interface OpaqueText {
  /** The same text always becomes the same: URL-safe, about 1.4 times as long and 22 characters. */
  hide(text: string): string
  /** @returns undefined for what `hide` did not make with this secret */
  reveal(hidden: string): string | undefined
}

const CIPHER = 'aes-256-ctr'
const KEY_BYTES = 32
const VECTOR_BYTES = 16

/**
 * The key is derived slowly from what a person may have chosen, so that a guest cannot try secrets against a text.
 * The vector is a MAC of the text, as in SIV mode
 * (RFC 5297): it authenticates the text, and makes equal texts equal.
 * @param secret what servers that hand out the same texts share
 * @param random a secret that nobody chose, for want of the other; without either, the key is one of this process
 */
export const createOpaqueText = (secret: string | undefined, random?: string): OpaqueText => {
  const keys = keysOf(secret, random)
  const [macKey, key] = [keys.subarray(0, KEY_BYTES), keys.subarray(KEY_BYTES)]
  const vectorOf = (text: string): Buffer =>
    createHmac('sha256', macKey).update(text).digest().subarray(0, VECTOR_BYTES)
  return {
    hide: (text) => {
      const vector = vectorOf(text)
      const cipher = createCipheriv(CIPHER, key, vector)
      return Buffer.concat([vector, cipher.update(text, 'utf8'), cipher.final()]).toString('base64url')
    },
    reveal: (hidden) => {
      const bytes = Buffer.from(hidden, 'base64url')
      if (bytes.length < VECTOR_BYTES) return undefined
      const vector = bytes.subarray(0, VECTOR_BYTES)
      const decipher = createDecipheriv(CIPHER, key, vector)
      const text = Buffer.concat([decipher.update(bytes.subarray(VECTOR_BYTES)), decipher.final()]).toString()
      return timingSafeEqual(vectorOf(text), vector) ? text : undefined
    },
  }
}

const PURPOSE = 'chatkeep opaque text'

const keysOf = (secret: string | undefined, random: string | undefined): Buffer => {
  if (secret !== undefined) return scryptSync(secret, PURPOSE, 2 * KEY_BYTES)
  return random === undefined
    ? randomBytes(2 * KEY_BYTES)
    : Buffer.from(hkdfSync('sha256', random, '', PURPOSE, 2 * KEY_BYTES))
}

/** The id of a message as guests see it; all are equally long. */
export const hideId = (opaque: OpaqueText, id: number): string => opaque.hide(String(id).padStart(ID_CHARACTERS))

/** @returns NaN for what is not the id of a message */
export const revealId = (opaque: OpaqueText, id: string): number => Number(opaque.reveal(id) ?? NaN)

/** Of the smallest id that a number holds exactly. */
const ID_CHARACTERS = String(Number.MIN_SAFE_INTEGER).length

/** A cursor as guests see it. What hides an id reveals no cursor. */
export const hideCursor = (opaque: OpaqueText, cursor: string): string => opaque.hide(`${CURSOR}${cursor}`)

/** @throws InvalidCall `invalid_cursor` for what is not a hidden cursor; it says nothing of what was hidden */
export const revealCursor = (opaque: OpaqueText, hidden: string): string => {
  const text = opaque.reveal(hidden)
  if (text?.startsWith(CURSOR) !== true) throw notACursor(hidden)
  return text.slice(CURSOR.length)
}

const CURSOR = 'cursor '
