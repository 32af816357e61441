import { createHash } from 'node:crypto'
import { ExitCode, OperatorError } from '../../errors.js'
import type { ArchiveObjects } from '../archive/archive.js'
import type { MigrationState } from '../ledger/migration-state.js'
import { CHAT_TABLES } from '../../persistence/shape.js'
import type { MigrationCommand } from '../ledger/runs.js'
import { chatkeep } from '../../next-step.js'
import type { DatabaseIdentity } from './database-identity.js'

/** Everything that a plan depends on. */
export interface PlanBasis {
  readonly identity: DatabaseIdentity
  readonly command: MigrationCommand
  readonly state: MigrationState
  /** What an earlier rollback left in the database. */
  readonly archive: ArchiveObjects
  /** Options and rollback files, for a rollback. */
  readonly scripts?: readonly string[]
}

const HASH_LENGTH = 16

/**
 * Identifies the state that a plan was made from: the database and schema, migration files, history and the shape of the chat's
 * tables. The same state has the same hash in every session. Rows, statistics, roles and other tables do not count.
 */
export const planHash = ({ command, identity, state, archive, scripts = [] }: PlanBasis): string => {
  const { files, history, catalog, own } = state
  const isKnown = ({ table }: { readonly table: string }): boolean => CHAT_TABLES.includes(table)
  const basis = {
    command,
    identity,
    files: files.map(({ id, fileName, hash }) => [id, fileName, hash]),
    scripts,
    history: history.state === 'present' ? history.rows.map(({ id, name, hash }) => [id, name, hash]) : history.state,
    tables: catalog.tables.filter((table) => CHAT_TABLES.includes(table)),
    columns: catalog.columns.filter(isKnown),
    indexes: catalog.indexes.filter(isKnown),
    enums: sorted([...catalog.enums]),
    checks: sorted([...catalog.checks]),
    triggers: catalog.triggers,
    own: own.found?.tables.map(({ name, columns, key }) => [name, columns, key]) ?? null,
    archive,
  }
  return createHash('sha256').update(canonicalJson(basis)).digest('hex').slice(0, HASH_LENGTH)
}

/** @throws OperatorError `plan_changed` (exit 5) when the plan is not the approved one */
export const refuseChangedPlan = (approved: string | undefined, actual: string, command: MigrationCommand): void => {
  if (approved === undefined || approved === actual) return
  throw new OperatorError(
    'plan_changed',
    `${approved} is not the plan of this database as it is now, ${actual}: it is of another database, or files, history or schema have changed since; nothing was done`,
    { exitCode: ExitCode.refused, hint: chatkeep(`${command} --dry-run`, 'see the new plan') },
  )
}

const sorted = <Value>(entries: readonly (readonly [string, Value])[]): readonly (readonly [string, Value])[] =>
  entries.toSorted(([a], [b]) => (a < b ? -1 : 1))

// Drivers and queries may return the same fields in a different order.
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(sorted(Object.entries(inner)))
      : inner,
  )
