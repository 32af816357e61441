import { InvalidArgumentError } from '@commander-js/extra-typings'

/** Powers of 1,024 as memory is counted, and of 1,000 as disks are sold. */
const UNIT_BYTES: Readonly<Record<string, number>> = {
  ...{ KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824, TiB: 1_099_511_627_776 },
  ...{ kB: 1_000, MB: 1_000_000, GB: 1_000_000_000, TB: 1_000_000_000_000 },
}

/** Reads `64KiB`, `256MiB`, `2GiB` or `500GB` as bytes. */
export const parseByteSize = (text: string): number => {
  const bytes = bytesIn(text)
  if (bytes > 0) return bytes
  throw new InvalidArgumentError('Write a size such as 64KiB, 256MiB, 2GiB or 500GB.')
}

/** Returns a parser of sizes between two bounds, both included, that takes a plain number of bytes, too. */
export const parseByteSizeBetween =
  (least: number, most: number) =>
  (text: string): number => {
    const bytes = /^\d+$/.test(text) ? Number(text) : bytesIn(text)
    if (bytes >= least && bytes <= most) return bytes
    throw new InvalidArgumentError(`Write a size from ${inUnits(least)} to ${inUnits(most)}.`)
  }

/** @returns NaN or 0 for what is not a size */
const bytesIn = (text: string): number => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?([kKMGT]i?B)$/.exec(text) ?? []
  return Math.floor(Number(amount) * (UNIT_BYTES[unit ?? ''] ?? 0))
}

/** In the largest unit that needs no fraction. */
export const inUnits = (bytes: number): string => {
  const [unit, factor] = Object.entries(UNIT_BYTES).findLast(
    ([name, of]) => name.endsWith('iB') && bytes % of === 0,
  ) ?? ['bytes', 1]
  return `${bytes / factor}${unit}`
}
