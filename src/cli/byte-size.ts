import { InvalidArgumentError } from '@commander-js/extra-typings'

const UNIT_BYTES: Readonly<Record<string, number>> = { KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 }

/** Reads `64KiB`, `256MiB` or `2GiB` as bytes. */
export const parseByteSize = (text: string): number => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(KiB|MiB|GiB)$/.exec(text) ?? []
  const factor = UNIT_BYTES[unit ?? '']
  const bytes = Math.floor(Number(amount) * (factor ?? 0))
  if (bytes > 0) return bytes
  throw new InvalidArgumentError('Write a size such as 64KiB, 256MiB or 2GiB.')
}
