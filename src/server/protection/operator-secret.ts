import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares in constant time: the duration reveals nothing about the secret, not even its length. */
export const isOperatorSecret = (presented: unknown, secret: string): boolean =>
  typeof presented === 'string' && timingSafeEqual(digest(presented), digest(secret))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
