/** `12 s`, `8 min`, `5 h`, `3 days`: how long ago something was, or how long it has lasted, for people. */
export const describeAge = (seconds: number): string => {
  const [, size, unit] = UNITS.find(([least]) => seconds >= least) ?? [0, 1, 's']
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`
}

/** The unit from this age on: below it, two of a unit say more than one of the next. */
const UNITS: readonly (readonly [leastS: number, sizeS: number, unit: string])[] = [
  [2 * 86_400, 86_400, 'days'],
  [2 * 3_600, 3_600, 'h'],
  [2 * 60, 60, 'min'],
]
