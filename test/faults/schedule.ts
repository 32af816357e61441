import { createRandom, randomBelow } from '../bench/random.js'
import type { Fault } from './fault.js'
import type { CampaignOptions } from './options.js'

/** Every fault in every round, each round in an order of its own. */
export const scheduleOf = ({ faults, rounds, seed }: Pick<CampaignOptions, 'faults' | 'rounds' | 'seed'>) => {
  const random = createRandom(seed + 2)
  return Array.from({ length: rounds }, (): readonly Fault[] => {
    const order = [...faults]
    for (let last = order.length - 1; last > 0; last -= 1) {
      const other = randomBelow(random, last + 1)
      const [one, two] = [order[last], order[other]]
      if (one !== undefined && two !== undefined) [order[last], order[other]] = [two, one]
    }
    return order
  }).flat()
}

/** Apart from the crowd's: what one strike draws is the same, however many numbers the strikes before it drew. */
const FIRST_STRIKE = 1_000

export const seedOfStrike = (seed: number, index: number): number => seed + FIRST_STRIKE + index
