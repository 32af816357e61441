import { createHash } from 'node:crypto'
import { ExitCode, OperatorError } from '../../errors.js'
import { CHAT_TABLES, OWN_TABLES } from '../../persistence/shape.js'
import type { ArchiveObjects } from '../archive/archive.js'
import type { MigrationState } from '../ledger/migration-state.js'
import type { MigrationCommand } from '../ledger/runs.js'

/** All that a plan rests on. */
export interface PlanBasis {
  readonly command: MigrationCommand
  readonly state: MigrationState
  /** What an earlier rollback left. */
  readonly archive: ArchiveObjects
  /** Files of the way back, for a rollback. */
  readonly scripts?: readonly string[]
}

const HASH_LENGTH = 16

/**
 * Names the state that a plan was made for: files, history, and the shape of our tables. The same state has the same hash
 * in every session and database; rows and statistics have no say, and tables of the application's own neither.
 */
export const planHash = ({ command, state, archive, scripts = [] }: PlanBasis): string => {
  const { files, history, catalog } = state
  const isOurs = ({ table }: { readonly table: string }): boolean => OUR_TABLES.includes(table)
  const basis = {
    command,
    files: files.map(({ id, fileName, hash }) => [id, fileName, hash]),
    scripts,
    history: history.state === 'present' ? history.rows.map(({ id, name, hash }) => [id, name, hash]) : history.state,
    tables: catalog.tables.filter((table) => OUR_TABLES.includes(table)),
    comments: sorted([...catalog.tableComments].filter(([table]) => OUR_TABLES.includes(table))),
    columns: catalog.columns.filter(isOurs),
    indexes: catalog.indexes.filter(isOurs),
    enums: sorted([...catalog.enums]),
    checks: sorted([...catalog.checks]),
    triggers: catalog.triggers,
    functions: catalog.functions,
    archive,
  }
  return createHash('sha256').update(canonicalJson(basis)).digest('hex').slice(0, HASH_LENGTH)
}

/** @throws OperatorError `plan_changed` (exit 5) when the state is not the one that was agreed to */
export const refuseOtherPlan = (agreed: string | undefined, actual: string, command: MigrationCommand): void => {
  if (agreed === undefined || agreed === actual) return
  throw new OperatorError(
    'plan_changed',
    `the plan ${agreed} was agreed to, but files, history or schema moved since: it is ${actual} now; nothing was done`,
    { exitCode: ExitCode.refused, hint: `look at the new plan: chatkeep ${command} --dry-run` },
  )
}

const OUR_TABLES: readonly string[] = [...CHAT_TABLES, ...OWN_TABLES]

const sorted = <Value>(entries: readonly (readonly [string, Value])[]): readonly (readonly [string, Value])[] =>
  entries.toSorted(([a], [b]) => (a < b ? -1 : 1))

// Two drivers, or two queries, may give the same fields in another order.
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(sorted(Object.entries(inner)))
      : inner,
  )
