/** A set of small whole numbers: one bit for each number up to the largest. */
export interface BitSet {
  add(value: number): void
  has(value: number): boolean
  /** All members, ascending. */
  values(): Iterable<number>
}

export const createBitSet = (): BitSet => {
  let bytes = new Uint8Array(1_024)
  return {
    add: (value) => {
      const index = value >>> 3
      if (index >= bytes.length) bytes = enlarge(bytes, index + 1)
      bytes[index] = (bytes[index] ?? 0) | (1 << (value & 7))
    },
    has: (value) => ((bytes[value >>> 3] ?? 0) & (1 << (value & 7))) !== 0,
    values: function* () {
      for (const [index, byte] of bytes.entries()) {
        for (let bit = 0; byte >>> bit !== 0; bit += 1) if (((byte >>> bit) & 1) === 1) yield 8 * index + bit
      }
    },
  }
}

const enlarge = (bytes: Uint8Array<ArrayBuffer>, leastLength: number): Uint8Array<ArrayBuffer> => {
  const larger = new Uint8Array(Math.max(2 * bytes.length, leastLength))
  larger.set(bytes)
  return larger
}
