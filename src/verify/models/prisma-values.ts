import type { Attribute, BlockAttribute, Value } from '@mrleebo/prisma-ast'

/** The name in the database: `@map("…")` or `@@map("…")`. */
export const mapped = (attributes: readonly (Attribute | BlockAttribute)[]): string | undefined =>
  textOf(firstArgument(attributes.find(({ name, group }) => name === 'map' && group === undefined)))

export const firstArgument = (attribute: Attribute | BlockAttribute | undefined): Value | undefined => {
  const value = whole(attribute?.args)[0]?.value
  return isKeyed(value, 'name') || isKeyed(value, 'value') ? value.value : value
}

/** The text of a quoted value. */
export const textOf = (value: Value | undefined): string | undefined => {
  if (typeof value !== 'string' || !value.startsWith('"')) return undefined
  try {
    return JSON.parse(value) as string
  } catch {
    // The parser knows escapes that JSON does not, such as \v; the name then stays that of the model.
    return undefined
  }
}

export type Argument = Value | { readonly type: 'keyValue'; readonly key: string; readonly value: Value } | undefined

const isTagged = (value: Argument): value is Exclude<Argument, string | number | boolean | null | undefined> & object =>
  typeof value === 'object' && value !== null && 'type' in value

export const isKeyed = (value: Argument, key: string): value is { type: 'keyValue'; key: string; value: Value } =>
  isTagged(value) && 'type' in value && value.type === 'keyValue' && 'key' in value && value.key === key

export const isArray = (value: Argument): value is { type: 'array'; args: Value[] } =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'array'

export const isFunction = (value: Value | undefined): value is { type: 'function'; name: string } =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'function'

/** The value of a named argument: of `onDelete: Restrict` the word `Restrict`. */
export const namedArgument = (attribute: Attribute | BlockAttribute | undefined, key: string): Value | undefined =>
  whole(attribute?.args).flatMap(({ value }) => (isKeyed(value, key) ? [value.value] : []))[0]

/** A bare word. */
export const wordOf = (value: Value | undefined): string | undefined =>
  typeof value === 'string' && !value.startsWith('"') ? value : undefined

/** What the parser lists: it leaves out an empty list, and leaves holes where it did not understand a line. */
export const whole = <T>(items: readonly (T | undefined)[] | undefined): readonly T[] =>
  items?.filter((item) => item !== undefined) ?? []

/** The elements of `[a, b]`. */
export const elementsOf = (value: Value | undefined): readonly Value[] => (isArray(value) ? whole(value.args) : [])
