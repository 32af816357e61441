/**
 * Finds what keeps bytes from being SQL: they must be UTF-8, without NUL and without a byte order mark.
 * @param file as shown to the reader
 * @param text the bytes, decoded
 * @returns the first mistake, with its place
 */
export const encodingMistake = (file: string, bytes: Buffer, text: string): string | undefined => {
  if (isUtf16(bytes)) return `${file}: is UTF-16; save it as UTF-8`
  if (text.startsWith('\ufeff')) return `${file}: starts with a byte order mark, which changes its hash; remove it`
  const nul = bytes.indexOf(0)
  if (nul !== -1) return `${file}:${placeOf(bytes, nul)}: has a NUL character (byte ${nul + 1} of the file); remove it`
  const wrong = firstReplaced(bytes, text)
  if (wrong === undefined) return undefined
  const byte = bytes.toString('hex', wrong, wrong + 1)
  return `${file}:${placeOf(bytes, wrong)}: is not UTF-8: 0x${byte} (byte ${wrong + 1} of the file); convert it, for example with iconv -f LATIN1 -t UTF-8`
}

// The first characters of such a file are a mark, or each has a byte that is zero.
const isUtf16 = (bytes: Buffer): boolean => {
  const [first, second, third, fourth] = bytes
  return (
    (first === 0xff && second === 0xfe) ||
    (first === 0xfe && second === 0xff) ||
    (first === 0 && third === 0) ||
    (second === 0 && fourth === 0)
  )
}

const REPLACEMENT = Buffer.from('\ufffd')

// What is not UTF-8 is decoded to a replacement character, whose bytes are others.
const firstReplaced = (bytes: Buffer, text: string): number | undefined => {
  const again = Buffer.from(text)
  if (again.equals(bytes)) return undefined
  let index = 0
  while (bytes[index] === again[index]) index += 1
  // The first bytes of the two may be the same.
  return again.lastIndexOf(REPLACEMENT, index)
}

/** Line and column of a byte. */
const placeOf = (bytes: Buffer, index: number): string => {
  const lines = bytes.toString('utf8', 0, index).split('\n')
  return `${lines.length}:${Array.from(lines.at(-1) ?? '').length + 1}`
}
