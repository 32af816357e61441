import type { OperatorError } from '../errors.js'

/** A part of the status, or why it could not be read. */
export type Reading<T> = { readonly value: T } | Unknown

export interface Unknown {
  /** In a few words. */
  readonly unknown: string
  /** The error behind it, which says what to do; undefined where another part of the status says that. */
  readonly error: OperatorError | undefined
}

export const isKnown = <T>(reading: Reading<T>): reading is { readonly value: T } => 'value' in reading

/** The value; undefined when it could not be read. */
export const valueOf = <T>(reading: Reading<T>): T | undefined => (isKnown(reading) ? reading.value : undefined)
