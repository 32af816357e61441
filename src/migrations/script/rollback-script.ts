import { dropGuardStatement, type ArchiveObjects } from '../archive/archive.js'
import { dropStatements } from '../archive/capture.js'
import { MIGRATION_LOCK_KEY as LOCK_KEY } from '../../database/blockers.js'
import { bracket, dollarQuoted, joinScript, waitForStandbys } from './assemble.js'
import { moveGuests, type GuestMove } from './move-guests.js'
import { recordBegin, recordInScript, startOfRun, type ScriptOrigin } from './record-run.js'
import { rollbackHead, type RollbackSubject } from './rollback-head.js'
import { sealInScript } from './seal.js'
import { closeSession, openSettings, openSession, selfCheck, type ScriptHome } from './self-check.js'
import { undoAlone, undoJoined, type Undone } from './undone.js'

export interface RollbackScriptPlan extends RollbackSubject, GuestMove {
  readonly home: ScriptHome
  /** Newest first. */
  readonly undone: readonly Undone[]
  /** Statements on chatkeep's own schema, without its archive. */
  readonly own: readonly string[]
  /** Statements that create the archive. */
  readonly archiveTables: readonly string[]
  readonly leftovers: ArchiveObjects
}

/**
 * Renders a rollback as one SQL script with the same effect and history. No trigger archives what others write meanwhile: from
 * the first archived row to the commit that drops the columns, nobody else reads or writes the tables.
 */
export const renderRollbackScript = (plan: RollbackScriptPlan): string => {
  const { form, own, undone, range, isNeeded } = plan
  const head = rollbackHead(plan)
  if (!isNeeded) return head
  const open = openSession(plan)
  const { before, moving, after } = parts(plan)
  const steps = (some: readonly Undone[]): readonly string[] =>
    some.flatMap((each) => [...open, ...undoAlone(each, form, originOf(plan))])
  return joinScript(head, [
    ...(form === 'transaction' ? ['BEGIN'] : []),
    ...selfCheck(plan),
    ...openSettings(plan),
    ...open,
    ...bracket(form, [
      ...(own.length === 0 ? [] : ["-- chatkeep's own schema", ...own]),
      ...(undone.length === 0 ? [] : [recordBegin({ inTransaction: true, detail: { to: range.to } }, originOf(plan))]),
    ]),
    ...steps(before),
    ...(moving === undefined ? [] : [...open, ...bracket(form, move(moving, plan))]),
    ...steps(after),
    ...(undone.length === 0 ? [] : [...open, ...bracket(form, [recordEnd(plan)])]),
    ...closeSession(plan),
    ...(form === 'transaction' ? ['COMMIT'] : []),
    ...waitForStandbys,
  ])
}

interface Parts {
  /** Undone one by one. */
  readonly before: readonly Undone[]
  /** Undone in the transaction that archives; undefined if nothing is archived. */
  readonly moving: readonly Undone[] | undefined
  readonly after: readonly Undone[]
}

// All columns go in one transaction. What is undone between them goes with them, because the history has no gaps.
const parts = ({ undone, range, form }: RollbackScriptPlan): Parts => {
  const last = undone.findIndex(({ file }) => file.name === range.captureEnds)
  // An earlier rollback was cut before it sealed its archive.
  if (undone.length === 0) return { before: [], moving: [], after: [] }
  if (last === -1) return { before: undone, moving: undefined, after: [] }
  if (form === 'transaction') return { before: [], moving: undone, after: [] }
  const first = undone.findIndex(({ draft }) => draft.inTransaction)
  return { before: undone.slice(0, first), moving: undone.slice(first, last + 1), after: undone.slice(last + 1) }
}

const move = (moving: readonly Undone[], plan: RollbackScriptPlan): readonly string[] => {
  const { names, range, leftovers, archiveTables, form } = plan
  if (moving.length === 0) return ['-- seal the archive', ...sealInScript(plan.range.to, originOf(plan))]
  return [
    '-- from here to the COMMIT nobody else reads or writes these tables',
    ...(form === 'transaction' ? [] : [beforeMove(moving, plan)]),
    `LOCK TABLE ${names.message}, ${names.client} IN ACCESS EXCLUSIVE MODE`,
    ...archiveTables,
    ...dropStatements(names, leftovers),
    ...(range.columns.length === 0
      ? []
      : [recordInScript({ action: 'archive begun', inTransaction: true, detail: { to: range.to } }, originOf(plan))]),
    ...(range.columns.length > 0 || range.needsClients ? moveGuests(plan) : []),
    ...moving.flatMap((each) => undoJoined(each, originOf(plan))),
    ...(leftovers.guard ? [dropGuardStatement(names)] : []),
    '-- seal the archive',
    ...sealInScript(range.to, originOf(plan)),
  ]
}

// The statements before it committed on their own: a client may have gone on after one that failed.
const beforeMove = ([first]: readonly Undone[], { names }: RollbackScriptPlan): string =>
  `DO ${dollarQuoted(`
BEGIN
  IF NOT pg_try_advisory_xact_lock(${LOCK_KEY}) THEN
    RAISE EXCEPTION 'chatkeep: no message was changed: another migration is running';
  END IF;
  IF (SELECT max("id") FROM ${names.migrations}) IS DISTINCT FROM ${first?.file.id ?? 0} THEN
    RAISE EXCEPTION 'chatkeep: no message was changed: a statement before this one failed';
  END IF;
END
`)}`

const recordEnd = (plan: RollbackScriptPlan): string => {
  const isUndone = `NOT EXISTS (SELECT FROM ${plan.names.migrations} WHERE "id" > ${plan.range.to})`
  const detail = { to: plan.range.to, outcome: 'done' }
  const startedAt = startOfRun(originOf(plan))
  return recordInScript(
    { action: 'rollback', inTransaction: true, detail, conditions: [isUndone], startedAt },
    originOf(plan),
  )
}

const originOf = ({ planHash, names }: RollbackScriptPlan): ScriptOrigin => ({ command: 'rollback', planHash, names })
