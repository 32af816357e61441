import { createRandom, itemAt, pick, randomBelow, randomText, type Random } from '../bench/random.js'

/** What a message says: found again from the seed, its sender and its number, so nobody has to remember it. */
export type Body =
  | { readonly type: 'text'; readonly message: string }
  | { readonly type: 'image'; readonly image: string; readonly name: string; readonly mimeType: string }

/** Twins say the same as the message before, under a key of their own: both must be kept. */
const TWIN_SHARE = 0.02
const IMAGE_SHARE = 0.01
const PLAIN_SHARE = 0.7

export const bodyOf = (seed: number, sender: number, number: number): Body => {
  const random = createRandom(mix(seed, sender, number))
  if (number > 0 && random() < TWIN_SHARE) return bodyOf(seed, sender, number - 1)
  if (random() < IMAGE_SHARE) return imageOf(random)
  const message = random() < PLAIN_SHARE ? randomText(random) : pick(random, ODD_TEXTS)(random)
  return { type: 'text', message }
}

const mix = (...numbers: readonly number[]): number =>
  numbers.reduce((hash, number) => Math.imul(hash ^ number, 0x9e3779b1) ^ (hash >>> 13), 0x51ed270b) >>> 0

const imageOf = (random: Random): Body => {
  const bytes = Buffer.from(Array.from({ length: 200 + randomBelow(random, 3_000) }, () => randomBelow(random, 256)))
  const image = `data:image/png;base64,${bytes.toString('base64')}`
  return { type: 'image', image, name: `photo ${randomBelow(random, 100)} 🖼.png`, mimeType: 'image/png' }
}

const SCRAPS = [
  '👩‍👩‍👧‍👦 🇺🇦 👍🏽 ',
  'שלום, איפה ההזמנה? ',
  '\u202eمرحبا\u202c بالعالم ',
  '\'; DROP TABLE "ChatMessage"; -- ',
  'C:\\new\\table\t\r\n\\N \\. ',
  'nul \0 nul ',
  'half \ud83d a face ',
  'half \udc4d another ',
  'Zoë nai\u0308ve A\u030a Å ',
  '\ufeff\u200b\u2028\u2029\u0085\u001b[31m ',
  '{"ok":false,"$1":[null]} ',
  '¿cómo está el envío? ',
  '漢字かな交じり文 𠮷 ',
] as const

const some = (random: Random): string => itemAt(SCRAPS, randomBelow(random, SCRAPS.length))

const ODD_TEXTS: readonly ((random: Random) => string)[] = [
  some,
  (random) => some(random) + randomText(random) + some(random),
  (random) => ` ${some(random).repeat(1 + randomBelow(random, 20))}`,
  () => 'ok',
  () => ' ',
  (random) => (random() < 0.05 ? (randomText(random) + some(random)).repeat(1 + randomBelow(random, 200)) : '.'),
]
