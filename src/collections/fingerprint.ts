/** 64 bits of a string. */
export interface Fingerprint {
  /** Its position in a segment. */
  readonly place: number
  /** What is stored there; never 0, which marks a free slot. */
  readonly mark: number
}

// Two multiplicative hashes over the UTF-16 code units, mixed with each other at the end (cyrb53, by bryc, public domain).
export const fingerprintOf = (text: string): Fingerprint => {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    high = Math.imul(high ^ unit, 2_654_435_761)
    low = Math.imul(low ^ unit, 1_597_334_677)
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909)
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)
  return { place: low >>> 0, mark: high >>> 0 || 1 }
}
