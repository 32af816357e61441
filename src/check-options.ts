import { InvalidCall } from './invalid-call.js'
import { nearestWord } from './terminal/nearest-word.js'

/** What the value of an option must be, in words that follow `must be`. */
export interface Rule {
  readonly must: string
  readonly fits: (value: unknown) => boolean
  /** A text that does not fit is shown: no secret is ever meant for this option. */
  readonly shows?: 'value'
  /** What each element of the list must be. */
  readonly each?: Rule
}

/** A rule for each option, so that a new one cannot be forgotten. */
export type Rules<Options> = { readonly [Name in keyof Required<Options>]: Rule }

/** The longest time that a timer of Node takes. */
export const LONGEST_TIMER_MS = 2_147_483_647

export const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER): Rule => ({
  must:
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${least}`
      : `a whole number from ${least} to ${most}`,
  fits: (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most,
})

export const milliseconds = (least: number): Rule => wholeNumber(least, LONGEST_TIMER_MS)

export const oneOf = (...values: readonly unknown[]): Rule => ({
  must: values.map((value) => (typeof value === 'string' ? JSON.stringify(value) : String(value))).join(' or '),
  fits: (value) => values.includes(value),
  shows: 'value',
})

export const either = (...rules: readonly Rule[]): Rule => ({
  must: rules.map(({ must }) => must).join(' or '),
  fits: (value) => rules.some(({ fits }) => fits(value)),
})

export const listOf = (each: Rule): Rule => ({
  must: `a list, each ${each.must}`,
  fits: (value) => Array.isArray(value) && value.every(each.fits),
  each,
})

/** An object with these methods, whatever made it. */
export const objectWith = (...methods: readonly string[]): Rule => ({
  must: `an object with the method ${methods.join(' and ')}`,
  fits: (value) => isObject(value) && hasMethods(value, methods),
})

/** Whether an object, or a function, has these methods. */
export const hasMethods = (value: unknown, methods: readonly string[]): boolean =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  methods.every((method) => typeof (value as Readonly<Record<string, unknown>>)[method] === 'function')

export const TEXT: Rule = { must: 'a string', fits: (value) => typeof value === 'string' }
export const FILLED_TEXT: Rule = {
  must: 'a string that is not empty',
  fits: (value) => TEXT.fits(value) && value !== '',
}
export const YES_OR_NO: Rule = oneOf(true, false)
export const FUNCTION: Rule = { must: 'a function', fits: (value) => typeof value === 'function' }
export const INSTANT: Rule = { must: 'a valid Date', fits: (value) => value instanceof Date && !Number.isNaN(+value) }
export const OBJECT: Rule = { must: 'an object', fits: (value) => isObject(value) }
/** What another function checks. */
export const ANYTHING: Rule = { must: 'anything', fits: () => true }

/**
 * Refuses options that are unknown, or not what they must be; one that is undefined counts as absent.
 * @param what names them, such as `options`
 * @throws InvalidCall `invalid_option` that names each of them
 */
export const checkOptions = <Options>(what: string, given: unknown, rules: Rules<Options>): void => {
  if (!isObject(given)) throw invalidOption([mistake(what, given, OBJECT)])
  const names = Object.keys(rules)
  const unknown = unknownNames('option', given, names)
  const mistakes = Object.entries(given).flatMap(([name, value]) => {
    if (!names.includes(name)) return unknown.splice(0, 1)
    const rule = rules[name as keyof Options]
    return value === undefined || rule.fits(value) ? [] : [mistake(name, value, rule)]
  })
  if (mistakes.length > 0) throw invalidOption(mistakes)
}

/** @throws InvalidCall `invalid_option` */
export const checkValue = (name: string, value: unknown, rule: Rule): void => {
  if (!rule.fits(value)) throw invalidOption([mistake(name, value, rule)])
}

/** Says which names are unknown, and which were meant. An application may pass on what strangers send: not more than a few. */
export const unknownNames = (kind: 'option' | 'field', given: unknown, known: readonly string[]): string[] => {
  const names = isObject(given) ? Object.keys(given).filter((name) => !known.includes(name)) : []
  const left = names.length - MOST_NAMED
  return [
    ...names.slice(0, MOST_NAMED).map((name) => unknownName(kind, name, known)),
    ...(left > 0 ? [`${left.toLocaleString('en-US')} more unknown ${kind}s`] : []),
  ]
}

const MOST_NAMED = 10

/** Says that a name is unknown, and which was meant. */
export const unknownName = (kind: 'option' | 'field', name: string, known: readonly string[]): string => {
  const meant = nearestWord(name, known)
  return `unknown ${kind} ${quoted(name)}${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

/** A text that somebody else chose, for an error. */
export const quoted = (text: string): string => JSON.stringify(shortened(text))

/** Its beginning, if it is longer than anything that somebody reads. */
export const shortened = (text: string): string => (text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED)}…` : text)

const MOST_QUOTED = 100

const mistake = (name: string, value: unknown, { must, shows, each }: Rule): string => {
  if (each !== undefined && Array.isArray(value)) {
    const index = value.findIndex((one) => !each.fits(one))
    return mistake(`${name}[${index}]`, value[index], each)
  }
  // It may be a URL with a password.
  const isShown = shows === 'value' && typeof value === 'string' && value !== '' && !value.includes('@')
  return `${name} ${isShown ? `is ${quoted(value)}` : shown(value)}, but must be ${must}`
}

/** The value where it cannot be a secret, else its type. */
export const shown = (value: unknown): string => {
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return `is ${value}`
  if (value === '') return 'is empty'
  const type = Array.isArray(value) ? 'array' : typeof value
  return `is ${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}

const invalidOption = (mistakes: readonly string[]): InvalidCall =>
  new InvalidCall('invalid_option', mistakes.join('; '))

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
