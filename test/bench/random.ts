import { checkFailed } from './check-failed.js'

/** A number from 0 to 1, 1 excluded; the same sequence for the same seed, so that two runs do the same work. */
export type Random = () => number

/** mulberry32: small, fast, and good enough to choose guests with. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A whole number from 0 to `below`, `below` excluded. */
export const randomBelow = (random: Random, below: number): number => Math.floor(random() * below)

/** Any of the items. */
export const pick = <T>(random: Random, items: readonly T[]): T => itemAt(items, randomBelow(random, items.length))

/** @throws when there is none */
export const itemAt = <T>(items: readonly T[], index: number): T => {
  const item = items[index]
  if (item === undefined) throw checkFailed('there is nothing to choose from')
  return item
}

const WORDS =
  'hello is anybody there my order has not arrived yet could you have a look please it was sent last week and the page says nothing since then thank you very much I will wait for your answer good morning sorry to hear that let me check the parcel leaves today and you get a message with its number what about the invoice we sent it by mail can I pay by card yes of course perfect see you soon ¿cómo puedo cambiar la dirección? danke schön '

const SHORTEST = 5
const LONGEST = 220

/** A piece of chat: mostly a few words, now and then some lines. */
export const randomText = (random: Random): string => {
  const length = SHORTEST + Math.floor((LONGEST - SHORTEST) * random() ** 3)
  return WORDS.slice(randomBelow(random, WORDS.length - length)).slice(0, length)
}
