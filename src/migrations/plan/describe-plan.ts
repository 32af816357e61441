import type { Catalog } from '../../database/catalog.js'
import { tableChanges, type TableChange } from './afterwards.js'
import type { DraftStep } from './draft-steps.js'
import { describeStep, type StatementDetails, type StepDetails, type StepFacts } from './describe-step.js'
import type { Obstacle } from './obstacle.js'
import { readObstacles } from './obstacles.js'
import { readNotes } from './notes.js'
import { columnChange } from './publications.js'
import { readPastRuns } from './past-runs.js'
import { concurrentWork } from './refusals.js'
import { CHAT_TABLES } from '../../persistence/shape.js'
import type { OwnClient } from '../own/own-client.js'
import { relationName } from '../locks/relation-name.js'
import type { MigrationState } from '../ledger/migration-state.js'
import { missingPrivileges } from '../ledger/privileges.js'
import { readTableFacts, type TableFacts } from './table-facts.js'
import { sql } from '../../next-step.js'

/** What a plan costs: locks, time and disk. */
export interface PlanDetails {
  readonly steps: readonly StepDetails[]
  /** Tables that it locks, largest first. */
  readonly tables: readonly TableFacts[]
  readonly obstacles: readonly Obstacle[]
  /** Sum of the estimates; statements without one count as 0. */
  readonly estimatedMs: number
  /** Disk space for new indexes; they write about as much WAL. */
  readonly indexBytes: number
  /** What the tables of the application have or lack when it is done. */
  readonly afterwards: readonly TableChange[]
}

/** Facts about a plan that its statements do not show. */
export interface PlanExtras {
  /** Columns that a validated CHECK proves free of NULL before SET NOT NULL. */
  readonly provenNotNull?: readonly string[]
  readonly obstacles?: readonly Obstacle[]
  /** How far a standby may be behind before the run waits. */
  readonly maxLagMs: number
}

/** Describes what a plan locks, how long it takes and what stands in its way. Works in a read-only session. */
export const describePlan = async (
  client: OwnClient,
  schema: string,
  { catalog, own }: Pick<MigrationState, 'catalog' | 'own'>,
  drafts: readonly DraftStep[],
  { provenNotNull = [], obstacles: others = [], maxLagMs }: PlanExtras,
): Promise<PlanDetails> => {
  const tables = await readTableFacts(client, schema, CHAT_TABLES)
  const known = { ...catalog, provenNotNull }
  const facts: StepFacts = { tables, past: await readPastRuns(client, own), known }
  let triggers = catalog.triggers
  const steps = drafts.map((draft) => {
    const step = describeStep(draft, { ...facts, known: { ...known, triggers } })
    const created = createdTriggers(draft)
    if (created.length > 0) triggers = [...triggers, ...created]
    return step
  })
  const statements = steps.flatMap((step) => step.statements)
  const indexBytes = sum(statements.map((statement) => statement.indexBytes))
  const locked = tablesOf(statements)
  const missing = drafts.length === 0 ? [] : await missingPrivileges(client, schema, own)
  const obstacles = [
    ...missing.map(({ text, grant }): Obstacle => {
      const obstacle = { code: 'insufficient_privilege', effect: 'refused', text } as const
      return grant === undefined ? obstacle : { ...obstacle, next: sql(grant, 'as a role that may') }
    }),
    ...(await readObstacles(client, {
      schema,
      tables: locked,
      maxLagMs,
      locksReaders: locksReaders(statements),
      ...concurrentWork(drafts, catalog),
    })),
    ...(await readNotes(client, schema, own, columnChange(drafts))),
    ...others,
    ...diskObstacles(indexBytes),
  ]
  return {
    steps,
    tables: tables.filter(({ table }) => locked.includes(table)),
    obstacles,
    estimatedMs: sum(statements.map(({ estimate }) => estimate.ms ?? 0)),
    indexBytes,
    afterwards: tableChanges(
      catalog,
      drafts.flatMap((draft) => draft.statements),
    ),
  }
}

// A later step can drop a trigger that an earlier one creates.
const createdTriggers = ({ statements }: DraftStep): Catalog['triggers'] =>
  statements.flatMap(({ node }) =>
    'CreateTrigStmt' in node
      ? [{ table: relationName(node.CreateTrigStmt.relation) ?? '', name: node.CreateTrigStmt.trigname ?? '' }]
      : [],
  )

const diskObstacles = (indexBytes: number): readonly Obstacle[] => {
  if (indexBytes < WORTH_MENTIONING_BYTES) return []
  const megabytes = Math.ceil(indexBytes / 1e6)
  return [
    {
      code: 'free_disk_unknown',
      effect: 'note',
      text: `new indexes need up to ${megabytes} MB of disk, and as much WAL; the server does not report free disk space`,
    },
  ]
}

const WORTH_MENTIONING_BYTES = 10e6

const tablesOf = (statements: readonly StatementDetails[]): readonly string[] => [
  ...new Set(statements.flatMap(({ locks }) => locks.map(({ table }) => table))),
]

const locksReaders = (statements: readonly StatementDetails[]): boolean =>
  statements.some(({ locks }) => locks.some(({ mode }) => mode === 'ACCESS EXCLUSIVE'))

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
