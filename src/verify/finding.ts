import type { FindingCode } from './codes.js'
import type { Severity } from './severity.js'

/** Where in a file the cause, or the cure, of a finding is. */
export interface Place {
  /** As the reader would name it. */
  readonly file: string
  readonly line: number | null
}

/** One thing that a check found. */
export interface Finding {
  readonly code: FindingCode
  readonly severity: Severity
  readonly object: string
  readonly expected: string
  readonly actual: string
  /** Ids of up to five rows concerned; never what is in them, which is personal data. */
  readonly sample: readonly number[]
  /** What to type next. */
  readonly help: string
  readonly place?: Place | undefined
  /** What was changed, as a unified diff. */
  readonly diff?: string | undefined
  /** SQLSTATE of the server's answer, where there was one. */
  readonly sqlState?: string | undefined
}

/** A finding that concerns no rows. */
export const finding = (
  severity: Severity,
  code: FindingCode,
  words: Omit<Finding, 'severity' | 'code' | 'sample'>,
): Finding => ({
  code,
  severity,
  ...words,
  sample: [],
})

/** A chatkeep command that goes to the same schema. */
export const commandLine = (words: string, { schema }: { readonly schema: string }): string =>
  schema === 'public' ? `chatkeep ${words}` : `chatkeep ${words} --schema ${shellWord(schema)}`

/** The way to finish a rollback, or to begin one. */
export const rollbackCommand = (facts: { readonly schema: string; readonly database: string }): string =>
  commandLine(`rollback --confirm ${shellWord(facts.database)}`, facts)

const shellWord = (word: string): string =>
  /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
