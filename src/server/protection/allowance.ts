import { createReservoir } from './reservoir.js'

/** An amount that comes back at a steady rate: in a minute all of it. */
export interface Allowance {
  /** Takes the amount, unless there is too little left; more than all of it may be taken when nothing is missing. */
  take(amount: number): boolean
  /** Takes the amount, or gives it back when negative, whatever is left. */
  settle(amount: number): void
}

const MS_PER_MINUTE = 60_000

/** @param perMinute 0 = everything may be taken */
export const createAllowance = (perMinute: number, now: () => number = () => performance.now()): Allowance => {
  if (perMinute === 0) return { take: () => true, settle: () => undefined }
  const reservoir = createReservoir({ size: perMinute, perPeriod: perMinute, periodMs: MS_PER_MINUTE, now })
  return {
    take: (amount) => {
      if (reservoir.left() < Math.min(amount, perMinute)) return false
      reservoir.take(amount)
      return true
    },
    settle: (amount) => reservoir.take(amount),
  }
}
