import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'

/** Encrypts and authenticates bytes with a secret. */
export interface Seal {
  /** @param context what the bytes belong to; they open with the same context only */
  close(bytes: Buffer, context: string): string
  /** @returns undefined when the bytes were sealed with another secret, place or context, or changed */
  open(sealed: string, context: string): Buffer | undefined
}

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Bytes that a seal adds. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES

// Somebody who overhears a sealed text can guess secrets offline: a guess takes 32 MB and a tenth of a second or more.
const SLOWLY = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1_048_576 }

const derive = promisify<string, string, number, typeof SLOWLY, Buffer>(scrypt)

/** @param place where the seal is used, such as a database: what is sealed in one place does not open in another */
export const createSeal = async (secret: string, place: readonly string[]): Promise<Seal> => {
  const key = await derive(secret, JSON.stringify(place), KEY_BYTES, SLOWLY)
  const boundTo = (context: string): Buffer => Buffer.from(JSON.stringify([...place, context]))
  return {
    close: (bytes, context) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(boundTo(context))
      const body = [cipher.update(bytes), cipher.final()]
      return Buffer.concat([nonce, cipher.getAuthTag(), ...body]).toString('base64')
    },
    open: (sealed, context) => {
      const bytes = Buffer.from(sealed, 'base64')
      if (bytes.length < SEAL_BYTES) return undefined
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES)).setAAD(boundTo(context))
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, SEAL_BYTES))
      try {
        return Buffer.concat([decipher.update(bytes.subarray(SEAL_BYTES)), decipher.final()])
      } catch {
        return undefined
      }
    },
  }
}
