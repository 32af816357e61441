import type { Queryable } from '../database/connection.js'
import { PartLocked } from '../database/waiting/read-in-parts.js'
import { columnName } from '../persistence/shape.js'
import type { Check, RowCheck } from './check.js'
import { hasColumns, hasTable, type Facts } from './facts/facts.js'
import type { Finding } from './finding.js'
import { PartlyLocked } from './findings-on-each.js'
import { runRowQuery } from './row-query.js'
import { notRead, timedOut } from './timed-out.js'
import type { CheckedFinding, SkippedCheck } from './verify-report.js'

export interface ChecksRun {
  readonly findings: readonly CheckedFinding[]
  readonly skipped: readonly SkippedCheck[]
}

export interface ChecksOptions {
  readonly signal: AbortSignal
  /**
   * For who waits for the answer: a check whose query takes longer is skipped, instead of that becoming its finding. Without it
   * the limit is that of the transaction.
   */
  readonly rowQueryLimitMs?: number | undefined
}

/** Runs the checks one after the other, in the caller's transaction. A check that could not look at everything and found nothing was skipped. */
export const runChecks = async (
  checks: readonly Check[],
  client: Queryable,
  facts: Facts,
  options: ChecksOptions,
): Promise<ChecksRun> => {
  const findings: CheckedFinding[] = []
  const skipped: SkippedCheck[] = []
  for (const check of checks) {
    const { found, reason } = await runCheck(check, client, facts, options)
    findings.push(...found.map((one) => ({ ...one, check: check.name })))
    if (reason !== undefined) skipped.push({ check: check.name, reason })
  }
  return { findings, skipped }
}

/** The first table or column that the check needs and the database does not have. */
const whatLacks = ({ needs }: Check, facts: Facts): string | undefined => {
  const lacking = Object.entries(needs).flatMap(([table, columns]) =>
    hasTable(facts, table)
      ? columns
          .filter((column) => !hasColumns(facts, table, [column]))
          .map((column) => `there is no column ${columnName({ table, column })}`)
      : [`there is no table "${table}"`],
  )
  return lacking[0]
}

interface CheckRun {
  readonly found: readonly Finding[]
  /** Why it was skipped; undefined if it was not. */
  readonly reason?: string | undefined
}

const runCheck = async (check: Check, client: Queryable, facts: Facts, options: ChecksOptions): Promise<CheckRun> => {
  try {
    const lacking = whatLacks(check, facts)
    const found =
      'query' in check ? await checkRows(check, client, facts, { ...options, lacking }) : check.findings(facts)
    if (found === TOO_SLOW) return { found: [], reason: TOO_SLOW }
    return { found, reason: found.length === 0 ? (lacking ?? check.skips?.(facts)) : undefined }
  } catch (error) {
    if (!(error instanceof PartLocked)) throw error
    const certain = error instanceof PartlyLocked ? error.found : []
    return { found: [...certain, notRead(check, error.blockage)] }
  }
}

const TOO_SLOW = 'it takes too long for a quick answer'

const checkRows = async (
  check: RowCheck,
  client: Queryable,
  facts: Facts,
  { signal, rowQueryLimitMs, lacking }: ChecksOptions & { readonly lacking: string | undefined },
): Promise<readonly Finding[] | typeof TOO_SLOW> => {
  const query = lacking === undefined ? check.query(facts) : undefined
  if (query === undefined) return check.findings(undefined, facts)
  const result = await runRowQuery(client, query, signal, rowQueryLimitMs)
  if ('blockage' in result) return [...check.findings(undefined, facts), notRead(check, result.blockage)]
  if ('reason' in result && rowQueryLimitMs !== undefined) return TOO_SLOW
  if ('reason' in result) return [...check.findings(undefined, facts), timedOut(check, result)]
  return check.findings(result, facts)
}
