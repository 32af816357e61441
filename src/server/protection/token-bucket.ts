import { createReservoir } from './reservoir.js'

/** Events of a bounded rate. */
export interface TokenBucket {
  /** Returns whether one more event may pass now, and counts it if so. */
  take(): boolean
  /** In how many milliseconds the next may pass; 0 = now. */
  waitMs(): number
}

/** Seconds of the rate that may pass at once after a pause. */
const BURST_SECONDS = 3

/** A bucket that fills at a rate; at rate 0 everything passes. */
export const createTokenBucket = (perSecond: number, now: () => number = () => performance.now()): TokenBucket => {
  if (perSecond === 0) return { take: () => true, waitMs: () => 0 }
  const tokens = createReservoir({ size: perSecond * BURST_SECONDS, perPeriod: perSecond, periodMs: 1_000, now })
  return {
    take: () => {
      if (tokens.left() < 1) return false
      tokens.take(1)
      return true
    },
    waitMs: () => Math.max(0, Math.ceil(((1 - tokens.left()) / perSecond) * 1_000)),
  }
}
