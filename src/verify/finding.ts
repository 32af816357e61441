import { confirmedRollback, type Next, type NextStep } from '../next-step.js'
import type { SampleId } from './row-query.js'
import type { Severity } from './severity.js'

/** The place in a file that caused a finding or has to be changed to fix it. */
export interface Place {
  /** Path of the file as the user named it. */
  readonly file: string
  /** Null if no single line is responsible. */
  readonly line: number | null
  /** In characters, from 1. */
  readonly column?: number | undefined
}

/** A line of a file, and what is wrong in it. */
export interface Excerpt {
  /** From 1. */
  readonly line: number
  readonly text: string
  /** Indexes in the text. */
  readonly marks: readonly { readonly start: number; readonly length: number }[]
}

/** A problem that a check found. */
export interface Finding<Code extends string = string> {
  /** Stable, lower-case snake case, part of the public contract. */
  readonly code: Code
  readonly severity: Severity
  readonly object: string
  readonly expected: string
  readonly actual: string
  /** Ids of at most five affected rows; never their contents, which are personal data. */
  readonly sample: readonly SampleId[]
  /** What to do next; afterwards the finding is gone. */
  readonly help: Next
  readonly place?: Place | undefined
  readonly excerpt?: Excerpt | undefined
  /** The change that was found, as a unified diff. */
  readonly diff?: string | undefined
  /** The check could not read what it needs, because that was locked: nothing is known to be wrong. */
  readonly isUnknown?: boolean
  /** SQLSTATE of the server's error, if there was one. */
  readonly sqlState?: string | undefined
}

/** A finding that affects no rows. */
export const finding = <Code extends string>(
  severity: Severity,
  code: Code,
  words: Omit<Finding, 'severity' | 'code' | 'sample'>,
): Finding<Code> => ({
  code,
  severity,
  ...words,
  sample: [],
})

/** The command line that starts or finishes a rollback. */
export const rollbackStep = ({ database }: { readonly database: string }): NextStep => confirmedRollback(database)
