import type { Queryable } from '../database/connection.js'
import type { Check, RowCheck } from './check.js'
import type { Facts } from './facts/facts.js'
import type { Finding } from './finding.js'
import { runRowQuery } from './row-query.js'
import { timedOut } from './timed-out.js'
import type { CheckedFinding } from './verify-report.js'

/** Runs the checks one after the other, in the caller's transaction. */
export const runChecks = async (
  checks: readonly Check[],
  client: Queryable,
  facts: Facts,
  signal: AbortSignal,
): Promise<readonly CheckedFinding[]> => {
  const findings: CheckedFinding[] = []
  for (const check of checks) {
    const found = 'query' in check ? await checkRows(check, client, facts, signal) : check.findings(facts)
    findings.push(...found.map((one) => ({ ...one, check: check.name })))
  }
  return findings
}

const checkRows = async (
  check: RowCheck,
  client: Queryable,
  facts: Facts,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const query = check.query(facts)
  if (query === undefined) return check.findings(undefined, facts)
  const result = await runRowQuery(client, query, signal)
  if ('reason' in result) return [...check.findings(undefined, facts), timedOut(check, result)]
  return check.findings(result, facts)
}
