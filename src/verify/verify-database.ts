import { blockageBehind, UNKNOWN_BLOCKAGE } from '../database/blockers.js'
import type { Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { refuseHiddenRows } from '../persistence/access/hidden-rows.js'
import { ownSchema } from '../persistence/own-names.js'
import { existingTables, explainReadDenied, readDenied, type ReadGrant } from '../database/read-denied.js'
import { hasSqlState, SqlState } from '../database/sql-state.js'
import { standbyStateOf } from '../database/replication/replication-state.js'
import { PART_LOCK_TIMEOUT_MS, readInParts } from '../database/waiting/read-in-parts.js'
import { readMigrationFiles, shippedMigrations } from '../migrations/ledger/migration-files.js'
import { applicationModels } from './models/application-models.js'
import type { ApplicationSchema } from './models/model.js'
import type { Check } from './check.js'
import type { Expectation } from './expectation.js'
import { hasColumns, hasTable, readFacts, type Facts } from './facts/facts.js'
import type { Severity } from './severity.js'
import { survivalOf } from './facts/survival.js'
import { compareGuestColumns, GUEST_COLUMNS } from './facts/guest-columns.js'
import { checks } from './checks/index.js'
import { applicationRole } from './checks/server/application-role.js'
import { withReadSession, type ReadSessionOptions } from './read-session.js'
import { runChecks } from './run-checks.js'
import { notRead } from './timed-out.js'
import { toVerdict, type CheckedFinding, type VerifyReport } from './verify-report.js'

export interface VerifyOptions extends ReadSessionOptions {
  readonly expectation: Expectation
  /** Folder with the migration files; by default those of chatkeep. */
  readonly migrationsFolder?: string | undefined
  /** The role that the application connects as, to check its privileges. */
  readonly applicationRole?: string | undefined
  /** The least severity that makes the result "no". */
  readonly failOn: Severity
  /** Try the guest flow in a transaction that is rolled back, with the privileges of the role if one is named. */
  readonly probe?: { readonly role: string | undefined } | undefined
  /** Models of the application's ORM, to compare them with the database. */
  readonly applicationSchema?: ApplicationSchema | undefined
  /** Limit of each query of rows, after which its check is skipped; by default it gets a finding after the other limit. */
  readonly rowQueryLimitMs?: number | undefined
}

/**
 * Checks whether a database is as expected, in one read-only transaction, which also works through a transaction pooler.
 * @throws OperatorError if the check is not possible: no connection, a time-out, no privilege to read, unusable migration files
 */
export const verifyDatabase = async (target: ConnectionTarget, options: VerifyOptions): Promise<VerifyReport> => {
  const startedAt = performance.now()
  const { expectation, failOn } = options
  const files = await readMigrationFiles(options.migrationsFolder ?? shippedMigrations())
  const schema = target.schema ?? 'public'
  const checksToMake = checksFor(options)

  const { facts, findings, skipped } = await withReadSession(target, options, async (client) => {
    const read = await readInParts(client, options, async (part) => {
      const grant: ReadGrant = {
        user: target.role ?? target.user,
        tables: await existingTables(client, readTables(schema)),
      }
      try {
        await refuseHiddenRows(client, schema)
        const { applicationRole } = options
        const wanted = { expectation, database: target.database, schema, files, applicationRole }
        const facts = await readFacts(client, wanted, part)
        refuseHiddenColumns(facts, grant)
        return { facts, ...(await runChecks(checksToMake, client, facts, options)) }
      } catch (error) {
        throw explainReadDenied(error, grant)
      }
    })
    return { ...read, findings: [...read.findings, ...(await findByProbe(client, read, options))] }
  })

  const names = [...checksToMake.map(({ name }) => name), ...(options.probe === undefined ? [] : [PROBE])]
  const isSkipped = options.probe !== undefined && !isProbed(facts, options)
  return {
    ...toVerdict(names, findings, failOn),
    skipped: [...skipped, ...(isSkipped ? [{ check: PROBE, reason: 'tables of the chat are missing' }] : [])],
    schema,
    serverVersion: facts.server.serverVersion,
    standby: standbyStateOf(facts.server.replication),
    survival: survivalOf(facts.server, options.applicationRole),
    columns: compareGuestColumns(facts.guestColumns, expectation),
    durationMs: Math.round(performance.now() - startedAt),
  }
}

const readTables = (schema: string): ReadGrant['tables'] => [
  [schema, 'ChatMessage'],
  [schema, 'Client'],
  [ownSchema(schema), 'migrations'],
]

const checksFor = ({ expectation, applicationSchema, applicationRole: role }: VerifyOptions): readonly Check[] => [
  ...checks.filter(
    (check) => check.expectations.includes(expectation) && (check !== applicationRole || role !== undefined),
  ),
  ...(applicationSchema === undefined ? [] : [applicationModels(applicationSchema)]),
]

/** Name of the probe among the checks. */
const PROBE = 'probe'
const PROBE_LOCK_TIMEOUT_MS = 1_000

// Without the tables the probe cannot run; a check reports that they are missing.
const isProbed = (facts: Facts, { probe }: VerifyOptions): boolean =>
  probe !== undefined && hasTable(facts, 'ChatMessage') && hasTable(facts, 'Client')

const findByProbe = async (
  client: Queryable,
  { facts, findings }: { readonly facts: Facts; readonly findings: readonly CheckedFinding[] },
  options: VerifyOptions,
): Promise<readonly CheckedFinding[]> => {
  if (!isProbed(facts, options)) return []
  const { schema, database } = facts
  const { signal, statementTimeoutMs } = options
  const isLocked = findings.some(({ isUnknown }) => isUnknown === true)
  const lockTimeoutMs = isLocked ? PART_LOCK_TIMEOUT_MS : PROBE_LOCK_TIMEOUT_MS
  const { probe } = await import('./probe/probe.js')
  const limits = { statementTimeoutMs, lockTimeoutMs }
  try {
    const found = await probe(client, { ...limits, schema, database, role: options.probe?.role, signal })
    return found.map((one) => ({ ...one, check: PROBE }))
  } catch (error) {
    if (!hasSqlState(error, SqlState.lockNotAvailable)) throw error
    return [{ ...notRead({ name: PROBE }, blockageBehind(error) ?? UNKNOWN_BLOCKAGE), check: PROBE }]
  }
}

// information_schema shows a role only columns that it has privileges on, so the others would be reported as missing.
const refuseHiddenColumns = (facts: Facts, grant: ReadGrant): void => {
  const hidden = GUEST_COLUMNS.some(
    ({ column }) =>
      hasColumns(facts, 'ChatMessage', [column]) &&
      !facts.guestColumns.some(({ column_name }) => column_name === column),
  )
  if (hidden) throw readDenied(grant, 'it has no privilege on the table "ChatMessage"')
}
