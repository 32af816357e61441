/** Whether this run takes every case, as `npm run test:all` does, or a sample of those that take long. */
export const isThorough = process.env.THOROUGH === 'all'

/** Cases of which the first are taken in every run, the others only in a thorough one. */
export const casesOf = <T>(sample: readonly T[], others: readonly T[]): readonly T[] =>
  isThorough ? [...sample, ...others] : sample
