import { withClient, type Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { refuseHiddenRows } from '../persistence/access/hidden-rows.js'
import { ownSchema } from '../persistence/own-names.js'
import { existingTables, explainReadDenied, readDenied, type ReadGrant } from '../database/read-denied.js'
import { inReadOnlySnapshot, type SnapshotLimits } from '../database/transaction.js'
import { readMigrationFiles, shippedMigrations } from '../migrations/ledger/migration-files.js'
import { applicationModels } from './models/application-models.js'
import type { ApplicationSchema } from './models/model.js'
import type { Check } from './check.js'
import type { Expectation } from './expectation.js'
import { hasColumns, hasTable, readFacts, type Facts } from './facts/facts.js'
import type { Severity } from './severity.js'
import { compareGuestColumns, GUEST_COLUMNS } from './facts/guest-columns.js'
import { checks } from './checks/index.js'
import { applicationRole } from './checks/server/application-role.js'
import { runChecks } from './run-checks.js'
import { toVerdict, type CheckedFinding, type VerifyReport } from './verify-report.js'

export interface VerifyOptions {
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
  /** Limit of each query. */
  readonly statementTimeoutMs: number
  readonly signal: AbortSignal
}

const LOCK_TIMEOUT_MS = 1_000

/** A server that does not report its own statement time-out within this time is frozen or unreachable. */
const ANSWER_GRACE_MS = 2_000

/**
 * Checks whether a database is as expected, in one read-only transaction, which also works through a transaction pooler.
 * @throws OperatorError if the check is not possible: no connection, a time-out, no privilege to read, unusable migration files
 */
export const verifyDatabase = async (target: ConnectionTarget, options: VerifyOptions): Promise<VerifyReport> => {
  const startedAt = performance.now()
  const { expectation, failOn, signal } = options
  const files = await readMigrationFiles(options.migrationsFolder ?? shippedMigrations())
  const schema = target.schema ?? 'public'
  const wanted = checksFor(options)

  const { facts, findings, skipped } = await withSession(target, options, async (client) => {
    const read = await inReadOnlySnapshot(client, limitsOf(options), async () => {
      const grant: ReadGrant = {
        user: target.role ?? target.user,
        tables: await existingTables(client, readTables(schema)),
      }
      try {
        await refuseHiddenRows(client, schema)
        const facts = await readFacts(client, {
          expectation,
          database: target.database,
          schema,
          files,
          applicationRole: options.applicationRole,
        })
        refuseHiddenColumns(facts, grant)
        return { facts, ...(await runChecks(wanted, client, facts, signal)) }
      } catch (error) {
        throw explainReadDenied(error, grant)
      }
    })
    return { ...read, findings: [...read.findings, ...(await findByProbe(client, read.facts, options))] }
  })

  const names = [...wanted.map(({ name }) => name), ...(options.probe === undefined ? [] : [PROBE])]
  const isSkipped = options.probe !== undefined && !isProbed(facts, options)
  return {
    ...toVerdict(names, findings, failOn),
    skipped: [...skipped, ...(isSkipped ? [{ check: PROBE, reason: 'tables of the chat are missing' }] : [])],
    schema,
    serverVersion: facts.server.serverVersion,
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

const withSession = <T>(
  target: ConnectionTarget,
  { statementTimeoutMs, signal }: VerifyOptions,
  work: (client: Queryable) => Promise<T>,
): Promise<T> =>
  withClient(
    target,
    {
      applicationName: 'chatkeep verify',
      signal,
      statementTimeoutMs,
      queryTimeoutMs: statementTimeoutMs + ANSWER_GRACE_MS,
    },
    work,
  )

const limitsOf = ({ statementTimeoutMs }: VerifyOptions): SnapshotLimits => ({
  statementTimeoutMs,
  lockTimeoutMs: LOCK_TIMEOUT_MS,
})

/** Name of the probe among the checks. */
const PROBE = 'probe'

// Without the tables the probe cannot run; a check reports that they are missing.
const isProbed = (facts: Facts, { probe }: VerifyOptions): boolean =>
  probe !== undefined && hasTable(facts, 'ChatMessage') && hasTable(facts, 'Client')

const findByProbe = async (
  client: Queryable,
  facts: Facts,
  options: VerifyOptions,
): Promise<readonly CheckedFinding[]> => {
  if (!isProbed(facts, options)) return []
  const { schema, database } = facts
  const { signal } = options
  const { probe } = await import('./probe/probe.js')
  const found = await probe(client, { ...limitsOf(options), schema, database, role: options.probe?.role, signal })
  return found.map((one) => ({ ...one, check: PROBE }))
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
