import type { Queryable } from '../database/connection.js'
import { columnName } from '../persistence/shape.js'
import type { Check, RowCheck } from './check.js'
import { hasColumns, hasTable, type Facts } from './facts/facts.js'
import type { Finding } from './finding.js'
import { runRowQuery } from './row-query.js'
import { timedOut } from './timed-out.js'
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
    const lacking = whatLacks(check, facts)
    const found = 'query' in check ? await checkRows(check, client, facts, { signal, lacking }) : check.findings(facts)
    findings.push(...found.map((one) => ({ ...one, check: check.name })))
    const reason = lacking ?? check.skips?.(facts)
    if (found.length === 0 && reason !== undefined) skipped.push({ check: check.name, reason })
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

const checkRows = async (
  check: RowCheck,
  client: Queryable,
  facts: Facts,
  { signal, lacking }: { readonly signal: AbortSignal; readonly lacking: string | undefined },
): Promise<readonly Finding[]> => {
  const query = lacking === undefined ? check.query(facts) : undefined
  if (query === undefined) return check.findings(undefined, facts)
  const result = await runRowQuery(client, query, signal)
  if ('reason' in result) return [...check.findings(undefined, facts), timedOut(check, result)]
  return check.findings(result, facts)
}
