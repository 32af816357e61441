/** Returns whether one more event may pass now. */
export type TokenBucket = () => boolean

/** Seconds of the rate that may pass at once after a pause. */
const BURST_SECONDS = 3

/** A bucket that fills at a rate; at rate 0 everything passes. */
export const createTokenBucket = (perSecond: number, now: () => number = () => performance.now()): TokenBucket => {
  if (perSecond === 0) return () => true
  const size = perSecond * BURST_SECONDS
  let tokens = size
  let filledAt = now()
  return () => {
    const at = now()
    tokens = Math.min(size, tokens + ((at - filledAt) / 1_000) * perSecond)
    filledAt = at
    if (tokens < 1) return false
    tokens -= 1
    return true
  }
}
