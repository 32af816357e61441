import { createReservoir } from './reservoir.js'

/** Returns whether one more event may pass now. */
export type TokenBucket = () => boolean

/** Seconds of the rate that may pass at once after a pause. */
const BURST_SECONDS = 3

/** A bucket that fills at a rate; at rate 0 everything passes. */
export const createTokenBucket = (perSecond: number, now: () => number = () => performance.now()): TokenBucket => {
  if (perSecond === 0) return () => true
  const tokens = createReservoir({ size: perSecond * BURST_SECONDS, perPeriod: perSecond, periodMs: 1_000, now })
  return () => {
    if (tokens.left() < 1) return false
    tokens.take(1)
    return true
  }
}
