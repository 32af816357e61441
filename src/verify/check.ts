import type { Expectation } from './expectation.js'
import type { ExplanationsOf } from './explanation.js'
import type { Facts } from './facts/facts.js'
import type { Finding } from './finding.js'
import type { RowQueryResult } from './row-query.js'
import type { Severity } from './severity.js'

interface CommonCheck<Code extends string> {
  /** Stable, lower-case words with hyphens, part of the public contract. */
  readonly name: string
  /** The expected states in which it runs. */
  readonly expectations: readonly Expectation[]
  /** The tables that it looks at, and the columns that its query uses; without them it is skipped. */
  readonly needs: Readonly<Record<string, readonly string[]>>
  /** Why it cannot look at everything although these are there; undefined if it can. */
  readonly skips?: (facts: Facts) => string | undefined
  /** One for each code of its findings: `chatkeep explain` shows them. */
  readonly explanations: ExplanationsOf<Code>
}

/** A check that decides on facts, which are read before all checks. */
export interface FactCheck<Code extends string = string> extends CommonCheck<Code> {
  readonly findings: (facts: Facts) => readonly Finding<Code>[]
}

/** What is known of a server without a look at the chat's tables. */
export type ServerSituation = Pick<Facts, 'server' | 'database' | 'schema' | 'applicationRole'>

/** A check of the server's settings, which doctor makes, too. */
export interface ServerCheck<Code extends string = string> extends CommonCheck<Code> {
  readonly findings: (situation: ServerSituation) => readonly Finding<Code>[]
}

/** A check that queries rows. If the query takes too long, that becomes its finding, and the other checks go on. */
export interface RowCheck<Code extends string = string> extends CommonCheck<Code> {
  /** What the query counts, in words. */
  readonly object: string
  /** Severity of a query that takes too long: that of the worst possible result. */
  readonly severity: Severity
  /** SQL for a `RowQueryResult`; undefined if there is nothing to query. */
  readonly query: (facts: Facts) => string | undefined
  /** Decides on the result, which is undefined if there was no query or it took too long. */
  readonly findings: (result: RowQueryResult | undefined, facts: Facts) => readonly Finding<Code>[]
}

export type Check = FactCheck | RowCheck
