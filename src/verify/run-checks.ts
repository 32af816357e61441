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

/** Runs the checks one after the other, in the caller's transaction. A check that could not look at everything and found nothing was skipped. */
export const runChecks = async (
  checks: readonly Check[],
  client: Queryable,
  facts: Facts,
  signal: AbortSignal,
): Promise<ChecksRun> => {
  const findings: CheckedFinding[] = []
  const skipped: SkippedCheck[] = []
  for (const check of checks) {
    const { found, reason } = await runCheck(check, client, facts, signal)
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

const runCheck = async (check: Check, client: Queryable, facts: Facts, signal: AbortSignal): Promise<CheckRun> => {
  try {
    const lacking = whatLacks(check, facts)
    const found = 'query' in check ? await checkRows(check, client, facts, { signal, lacking }) : check.findings(facts)
    return { found, reason: found.length === 0 ? (lacking ?? check.skips?.(facts)) : undefined }
  } catch (error) {
    if (!(error instanceof PartLocked)) throw error
    const certain = error instanceof PartlyLocked ? error.found : []
    return { found: [...certain, notRead(check, error.blockage)] }
  }
}

const checkRows = async (
  check: RowCheck,
  client: Queryable,
  facts: Facts,
  { signal, lacking }: { readonly signal: AbortSignal; readonly lacking: string | undefined },
): Promise<readonly Finding[]> => {
  const query = lacking === undefined ? check.query(facts) : undefined
  if (query === undefined) return check.findings(undefined, facts)
  const result = await runRowQuery(client, query, signal)
  if ('blockage' in result) return [...check.findings(undefined, facts), notRead(check, result.blockage)]
  if ('reason' in result) return [...check.findings(undefined, facts), timedOut(check, result)]
  return check.findings(result, facts)
}
