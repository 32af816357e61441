import { expect, test } from 'vitest'
import { randomBelow } from '../../bench/random.js'
import { faults } from '../../faults/faults/index.js'
import { scheduleOf, seedOfStrike } from '../../faults/schedule.js'
import { chanceOf } from '../../faults/stage.js'

const namesOf = (seed: number): readonly string[] => scheduleOf({ faults, rounds: 3, seed }).map(({ name }) => name)

test('strikes in the same order under the same seed, in another one under another, every fault in every round', () => {
  expect(namesOf(2026)).toEqual(namesOf(2026))
  expect(namesOf(2026)).not.toEqual(namesOf(2027))
  const inOrder = faults.map(({ name }) => name).sort()
  for (const round of [0, 1, 2]) {
    const names = namesOf(2026).slice(round * faults.length, (round + 1) * faults.length)
    expect(names.sort()).toEqual(inOrder)
  }
})

test('what a strike draws depends on the seed and its place alone', () => {
  const draws = (index: number): readonly number[] => {
    const { random } = chanceOf(seedOfStrike(2026, index), AbortSignal.abort())
    return Array.from({ length: 5 }, () => randomBelow(random, 1_000_000))
  }
  expect(draws(3)).toEqual(draws(3))
  expect(draws(3)).not.toEqual(draws(4))
})
