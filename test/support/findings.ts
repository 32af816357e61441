import type { NextStepDocument } from '../../src/next-step.js'
import type { Run } from './chatkeep.js'
import { on } from './chat.js'
import type { TestDatabase } from './database.js'

/** A finding of `verify --json`. */
export interface FoundFinding {
  readonly code: string
  readonly severity: string
  readonly object: string
  readonly expected: string
  readonly actual: string
  readonly sample: readonly number[]
  readonly help: string
  readonly steps: readonly NextStepDocument[]
}

export interface Report {
  readonly ok: boolean
  readonly command: string
  readonly columns: readonly { readonly ok: boolean }[]
  readonly findings: readonly FoundFinding[]
}

/** Warnings about the tests' own server, which runs without durability. */
export const TEST_SERVER_CODES: readonly string[] = ['fsync_off', 'full_page_writes_off']

export const parseReport = ({ stdout }: Run): Report => JSON.parse(stdout) as Report

/** The findings without those about the tests' own server. */
export const findingsOf = (run: Run): readonly FoundFinding[] =>
  parseReport(run).findings.filter(({ code }) => !TEST_SERVER_CODES.includes(code))

export const verify = (database: TestDatabase, ...flags: readonly string[]): Promise<Run> =>
  on(database, 'verify', '--json', ...flags)
