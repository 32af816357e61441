/** A set of whole numbers, negative ones too, that takes about a bit for each where they are dense. */
export interface BitSet {
  add(value: number): void
  has(value: number): boolean
  /** All members, ascending. */
  values(): Iterable<number>
}

const PAGE_BYTES = 1_024
const PAGE_VALUES = 8 * PAGE_BYTES

export const createBitSet = (): BitSet => {
  const pages = new Map<number, Uint8Array>()
  return {
    add: (value) => {
      const number = Math.floor(value / PAGE_VALUES)
      const page = pages.get(number) ?? new Uint8Array(PAGE_BYTES)
      pages.set(number, page)
      const place = value - number * PAGE_VALUES
      page[place >>> 3] = (page[place >>> 3] ?? 0) | (1 << (place & 7))
    },
    has: (value) => {
      const number = Math.floor(value / PAGE_VALUES)
      const place = value - number * PAGE_VALUES
      return ((pages.get(number)?.[place >>> 3] ?? 0) & (1 << (place & 7))) !== 0
    },
    values: function* () {
      for (const [number, page] of [...pages].toSorted(([a], [b]) => a - b)) {
        for (const [index, byte] of page.entries()) {
          for (let bit = 0; byte >>> bit !== 0; bit += 1) {
            if (((byte >>> bit) & 1) === 1) yield number * PAGE_VALUES + 8 * index + bit
          }
        }
      }
    },
  }
}
