import type { Catalog } from '../../database/catalog.js'
import type { Queryable } from '../../database/connection.js'
import { CHAT_TABLES, OWN_TABLES } from '../../persistence/shape.js'
import type { DraftStep } from './draft-steps.js'
import { estimateIndexBytes, estimateTime, withPast, type Estimate, type PastRun } from './estimate.js'
import { blockedBy, strongestLock, type Blocks, type TableLock } from '../locks/lock-modes.js'
import { readObstacles, type Obstacle } from './obstacles.js'
import { readPastRuns } from './past-runs.js'
import { missingPrivileges } from '../ledger/privileges.js'
import { statementEffect } from '../locks/statement-locks.js'
import type { Statement } from '../ledger/split-statements.js'
import { readTableFacts, type TableFacts } from './table-facts.js'
import type { KnownObjects, Work } from '../locks/statement-effect.js'

/** One statement of a plan and what it costs everybody. */
export interface StatementDetails {
  readonly sql: string
  readonly locks: readonly TableLock[]
  readonly blocks: Blocks
  readonly inTransaction: boolean
  readonly waitsForOldTransactions: boolean
  /** The table that its time depends on. */
  readonly table: string | null
  /** By the server's statistics; null where there are none. */
  readonly rows: number | null
  readonly bytes: number | null
  /** Without the time that it waits for its locks. */
  readonly estimate: Estimate
  /** Whether `chatkeep rollback` undoes it. */
  readonly reversible: boolean
}

/** A part of a plan: one migration, or one phase of a rollback. */
export interface StepDetails {
  readonly title: string
  readonly action: DraftStep['action']
  readonly reason: string
  readonly statements: readonly StatementDetails[]
}

export interface PlanDetails {
  readonly steps: readonly StepDetails[]
  /** Tables that it touches, the largest first. */
  readonly tables: readonly TableFacts[]
  readonly obstacles: readonly Obstacle[]
  /** Sum of what could be estimated. */
  readonly estimatedMs: number
  /** Disk that new indexes will need, and about as much WAL. */
  readonly indexBytes: number
}

/** What is known of a plan beside its statements. */
export interface PlanExtras {
  /** Columns that are proven to hold no NULL by the time they are set NOT NULL. */
  readonly provenNotNull?: readonly string[]
  readonly obstacles?: readonly Obstacle[]
}

interface Facts {
  readonly tables: readonly TableFacts[]
  readonly past: readonly PastRun[]
  readonly known: KnownObjects
}

/** Reads what the plan's costs depend on, and adds them up. Works in a read-only session. */
export const describePlan = async (
  client: Queryable,
  schema: string,
  catalog: Catalog,
  drafts: readonly DraftStep[],
  { provenNotNull = [], obstacles: more = [] }: PlanExtras = {},
): Promise<PlanDetails> => {
  const tables = await readTableFacts(client, schema, [...CHAT_TABLES, ...OWN_TABLES])
  const known = { ...catalog, provenNotNull }
  const facts: Facts = { tables, past: await readPastRuns(client), known }
  const steps = drafts.map((draft, index) => {
    const triggers = [...catalog.triggers, ...drafts.slice(0, index).flatMap(createdTriggers)]
    return describeStep(draft, { ...facts, known: { ...known, triggers } })
  })
  const statements = steps.flatMap((step) => step.statements)
  const indexBytes = sum(drafts.flatMap((draft) => draft.statements.map(({ node }) => indexBytesOf(node, facts))))
  const locked = namesOf(statements)
  const obstacles = [
    ...(await missingPrivileges(client, schema)).map((text): Obstacle => ({
      code: 'insufficient_privilege',
      effect: 'refused',
      text,
    })),
    ...(await readObstacles(client, {
      schema,
      tables: locked,
      concurrentTables: namesOf(statements.filter(({ waitsForOldTransactions }) => waitsForOldTransactions)),
    })),
    ...more,
    ...diskObstacles(indexBytes),
  ]
  return {
    steps,
    tables: tables.filter(({ table }) => locked.includes(table)),
    obstacles,
    estimatedMs: sum(statements.map(({ estimate }) => estimate.ms ?? 0)),
    indexBytes,
  }
}

const describeStep = (draft: DraftStep, facts: Facts): StepDetails => {
  const isUndone = draft.action === 'undo' || draft.action === 'prepare'
  const past = isUndone ? undefined : facts.past.find(({ migration }) => migration === draft.title)
  const { title, action, reason, inTransaction, reversible } = draft
  // A statement that stands alone is what the whole migration's time was spent on.
  const single = draft.statements.length === 1 ? past : undefined
  const isFresh = isMadeBy(draft, facts.known)
  const statements = draft.statements.map(({ sql, node }): StatementDetails => {
    const effect = statementEffect(node, facts.known)
    const locks = effect.locks.filter(({ table }) => !isFresh(table))
    const size = sizeOf(effect.work, locks, facts.tables)
    return {
      sql,
      locks,
      blocks: locks.length < effect.locks.length ? blockedBy(locks) : effect.blocks,
      inTransaction,
      waitsForOldTransactions: effect.waitsForOldTransactions,
      table: size?.table ?? null,
      rows: size?.rows ?? null,
      bytes: size?.totalBytes ?? null,
      estimate: withPast(estimateTime(effect.work, facts.tables), single),
      reversible,
    }
  })
  return { title, action, reason, statements }
}

// What an earlier step makes, a later one may drop.
const createdTriggers = ({ statements }: DraftStep): Catalog['triggers'] =>
  statements.flatMap(({ node }) =>
    'CreateTrigStmt' in node
      ? [
          {
            table: node.CreateTrigStmt.relation?.relname ?? '',
            name: node.CreateTrigStmt.trigname ?? '',
            enabled: true,
            definition: '',
          },
        ]
      : [],
  )

// Nobody else can see a table before the transaction that makes it is committed.
const isMadeBy = ({ inTransaction, statements }: DraftStep, { tables }: KnownObjects): ((table: string) => boolean) => {
  const made = statements.flatMap(({ node }) => ('CreateStmt' in node ? (node.CreateStmt.relation?.relname ?? []) : []))
  return (table) => inTransaction && made.includes(table) && !tables.includes(table)
}

const sizeOf = (work: Work, locks: readonly TableLock[], tables: readonly TableFacts[]): TableFacts | undefined => {
  const named = 'table' in work ? [work.table] : 'tables' in work ? work.tables : [strongestLock(locks)?.table ?? '']
  return tables.find(({ table }) => named.includes(table))
}

const indexBytesOf = (node: Statement['node'], { known, tables }: Facts): number =>
  estimateIndexBytes(statementEffect(node, known).work, tables)

const diskObstacles = (indexBytes: number): readonly Obstacle[] => {
  if (indexBytes < WORTH_MENTIONING_BYTES) return []
  const megabytes = Math.ceil(indexBytes / 1e6)
  return [
    {
      code: 'free_disk_unknown',
      effect: 'note',
      text: `new indexes need up to ${megabytes} MB, and as much WAL; free disk cannot be seen from here`,
    },
  ]
}

const WORTH_MENTIONING_BYTES = 10e6

const namesOf = (statements: readonly StatementDetails[]): readonly string[] => [
  ...new Set(statements.flatMap(({ locks }) => locks.map(({ table }) => table))),
]

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
