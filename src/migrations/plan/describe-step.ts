import type { DraftStep } from './draft-steps.js'
import { describeStatement } from './describe-statement.js'
import { estimateIndexBytes, estimateTime, withPast, type Estimate, type PastRun } from './estimate.js'
import type { TableFacts } from './table-facts.js'
import { blockedBy, strongestLock, type Blocks, type TableLock } from '../locks/lock-modes.js'
import { relationName } from '../locks/relation-name.js'
import type { KnownObjects, Work } from '../locks/statement-effect.js'
import { statementEffect } from '../locks/statement-locks.js'

/** One statement of a plan: its locks, who is blocked, and how long it takes. */
export interface StatementDetails {
  readonly sql: string
  /** In words. */
  readonly description: string
  readonly locks: readonly TableLock[]
  readonly blocks: Blocks
  readonly inTransaction: boolean
  readonly waitsForOldTransactions: boolean
  /** The table that its duration depends on. */
  readonly table: string | null
  /** From the server's statistics; null without any. */
  readonly rows: number | null
  readonly bytes: number | null
  /** Of the index that it builds, at most; 0 without one. */
  readonly indexBytes: number
  /** Excludes the wait for locks. */
  readonly estimate: Estimate
  /** Whether `chatkeep rollback` undoes it. */
  readonly reversible: boolean
}

/** One migration of a plan, or one phase of a rollback. */
export interface StepDetails {
  readonly title: string
  readonly action: DraftStep['action']
  readonly reason: string
  readonly statements: readonly StatementDetails[]
}

/** What the costs of a step depend on. */
export interface StepFacts {
  readonly tables: readonly TableFacts[]
  readonly past: readonly PastRun[]
  readonly known: KnownObjects
}

/** Locks and estimates of one step. */
export const describeStep = (draft: DraftStep, facts: StepFacts): StepDetails => {
  const isUndone = draft.action === 'undo' || draft.action === 'prepare'
  const past = isUndone ? undefined : facts.past.find(({ migration }) => migration === draft.title)
  const { title, action, reason, inTransaction, reversible } = draft
  // The recorded time of a migration belongs to its statement only if it has one.
  const single = draft.statements.length === 1 ? past : undefined
  const isCreatedHere = createdIn(draft, facts.known)
  const statements = draft.statements.map((statement): StatementDetails => {
    const { sql, node } = statement
    const effect = statementEffect(node, facts.known)
    const locks = effect.locks.filter(({ table }) => !isCreatedHere(table))
    const size = sizeOf(effect.work, locks, facts.tables)
    return {
      sql,
      description: describeStatement(statement),
      locks,
      blocks: locks.length < effect.locks.length ? blockedBy(locks) : effect.blocks,
      inTransaction,
      waitsForOldTransactions: effect.waitsForOldTransactions,
      table: size?.table ?? null,
      rows: size?.rows ?? null,
      bytes: size?.totalBytes ?? null,
      indexBytes: estimateIndexBytes(effect.work, facts.tables),
      estimate: withPast(estimateTime(effect.work, facts.tables), single),
      reversible,
    }
  })
  return { title, action, reason, statements }
}

// Other sessions cannot see a table until the transaction that creates it commits.
const createdIn = (
  { inTransaction, statements }: DraftStep,
  { tables }: KnownObjects,
): ((table: string) => boolean) => {
  const created = new Set(
    statements.flatMap(({ node }) => ('CreateStmt' in node ? (relationName(node.CreateStmt.relation) ?? []) : [])),
  )
  return (table) => inTransaction && created.has(table) && !tables.includes(table)
}

const sizeOf = (work: Work, locks: readonly TableLock[], tables: readonly TableFacts[]): TableFacts | undefined => {
  const named = 'table' in work ? [work.table] : 'tables' in work ? work.tables : [strongestLock(locks)?.table ?? '']
  return tables.find(({ table }) => named.includes(table))
}
