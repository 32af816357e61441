/** An amount that is full at first, and comes back at a steady rate. */
export interface Reservoir {
  /** What is there now; below 0 after more was taken. */
  left(): number
  /** Takes the amount, or gives it back when negative, whatever is left. */
  take(amount: number): void
}

export interface ReservoirParts {
  readonly size: number
  /** How much comes back in a period. */
  readonly perPeriod: number
  readonly periodMs: number
  readonly now: () => number
}

export const createReservoir = ({ size, perPeriod, periodMs, now }: ReservoirParts): Reservoir => {
  let amountLeft = size
  let filledAt = now()
  const left = (): number => {
    const at = now()
    amountLeft = Math.min(size, amountLeft + ((at - filledAt) / periodMs) * perPeriod)
    filledAt = at
    return amountLeft
  }
  return {
    left,
    take: (amount) => {
      amountLeft = left() - amount
    },
  }
}
