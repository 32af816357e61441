/** Numbers by index, in memory that grows with their count alone. */
export interface Column {
  readonly get: (index: number) => number
  readonly set: (index: number, value: number) => void
}

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array

const FIRST_LENGTH = 256

/** @param make an array of that many zeros */
export const createColumn = (make: (length: number) => Numbers): Column => {
  let values = make(FIRST_LENGTH)
  return {
    get: (index) => values[index] ?? 0,
    set: (index, value) => {
      if (index >= values.length) {
        const grown = make(Math.max(2 * values.length, index + 1))
        grown.set(values)
        values = grown
      }
      values[index] = value
    },
  }
}

export const bytes = (length: number): Uint8Array => new Uint8Array(length)
export const shorts = (length: number): Uint16Array => new Uint16Array(length)
export const words = (length: number): Uint32Array => new Uint32Array(length)
export const doubles = (length: number): Float64Array => new Float64Array(length)
