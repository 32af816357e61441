/** Tracks up to which line every message is settled, although messages settle in any order. */
export interface SettledLines {
  /** A message of this line is being sent; lines come in order. */
  begin(line: number): void
  settle(line: number): void
  /** Every message up to this line is settled. */
  upTo(): number
  /** The transcript was read to its end. */
  finish(line: number): void
}

export const createSettledLines = (from: number): SettledLines => {
  // In the order of the lines: a Map keeps the order in which its entries were set.
  const underWay = new Map<number, number>()
  let lastWhole = from
  return {
    begin: (line) => {
      // Another message of the same line may follow.
      lastWhole = Math.max(lastWhole, line - 1)
      underWay.set(line, (underWay.get(line) ?? 0) + 1)
    },
    settle: (line) => {
      const left = (underWay.get(line) ?? 1) - 1
      if (left === 0) underWay.delete(line)
      else underWay.set(line, left)
    },
    upTo: () => {
      for (const line of underWay.keys()) return Math.min(line - 1, lastWhole)
      return lastWhole
    },
    finish: (line) => {
      lastWhole = Math.max(lastWhole, line)
    },
  }
}
