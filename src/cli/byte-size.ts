import { InvalidArgumentError } from '@commander-js/extra-typings'

/** Powers of 1,024 as memory is counted, and of 1,000 as disks are sold. */
const UNIT_BYTES: Readonly<Record<string, number>> = {
  ...{ KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824, TiB: 1_099_511_627_776 },
  ...{ kB: 1_000, MB: 1_000_000, GB: 1_000_000_000, TB: 1_000_000_000_000 },
}

/** Reads `64KiB`, `256MiB`, `2GiB` or `500GB` as bytes. */
export const parseByteSize = (text: string): number => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?([kKMGT]i?B)$/.exec(text) ?? []
  const factor = UNIT_BYTES[unit ?? '']
  const bytes = Math.floor(Number(amount) * (factor ?? 0))
  if (bytes > 0) return bytes
  throw new InvalidArgumentError('Write a size such as 64KiB, 256MiB, 2GiB or 500GB.')
}
