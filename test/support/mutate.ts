/** A source of numbers from 0 to 1 that gives the same ones for the same seed. */
export type Random = () => number

/** Mulberry32. */
export const randomFrom = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296
  }
}

export const pick = <T>(random: Random, values: readonly T[]): T => {
  const value = values[Math.floor(random() * values.length)]
  if (value === undefined) throw new Error('there is nothing to pick from')
  return value
}

/** Values at the edges of what parsers expect. */
const WORDS = [
  ...['', '\0', '\n', '\r\n', '\ufeff', '"', '\\', '{', '}', '[', ']', '()', ',', ':', '@@map("', '@default(', '//'],
  ...['null', 'true', '-1', '0', '1e999', '2147483648', '9007199254740993', '0.5', '"__proto__":', '"constructor":{}'],
  ...[
    '"\\ud800"',
    '\\u0000',
    '"\\q"',
    '\u202e',
    '"type":"header"',
    '"type":"footer"',
    '[crm]',
    'model A {',
    'enum B {',
  ],
  ...['['.repeat(5_000), '{"a":'.repeat(5_000), 'x'.repeat(70_000), '=', '%', '%zz', '..', '9999-99-99T99:99:99Z'],
].map((word) => Buffer.from(word))

/** None to five changes of bytes: words in other places, parts doubled, moved, lost, flipped, cut off. */
export const mutated = (random: Random, seed: Buffer): Buffer => {
  let bytes = seed
  for (let changes = Math.floor(random() ** 2 * 6); changes > 0; changes -= 1) {
    const from = Math.floor(random() * (bytes.length + 1))
    const to = Math.min(bytes.length, from + Math.floor(random() ** 3 * bytes.length))
    const [before, part, after] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)]
    const flipped = Buffer.from([Math.floor(random() * 256)])
    bytes = Buffer.concat(
      pick(random, [
        [before, pick(random, WORDS), after],
        [before, pick(random, WORDS), part, after],
        [before, part, part, after],
        [before, after],
        [after, part, before],
        [before, flipped, bytes.subarray(Math.min(from + 1, bytes.length))],
        [before],
      ]),
    )
  }
  return bytes
}
