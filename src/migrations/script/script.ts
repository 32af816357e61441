import { printable } from '../../terminal/printable.js'
import { escapeLiteral } from 'pg'
import { escapeIdentifier } from '../../database/identifier.js'
import { dropGuardStatement, type ArchiveObjects } from '../archive/archive.js'
import { historyValues } from '../ledger/history.js'
import { migrationTitle } from '../ledger/migration-files.js'
import type { DraftStep } from '../plan/draft-steps.js'
import { isConcurrent } from '../partitions/index-units.js'
import type { PlannedStep } from '../plan/plan.js'
import { makesKeyIndex, returnAllKeys } from '../restore/return-keys.js'
import { dropStatements } from '../archive/capture.js'
import type { OwnNames } from '../../persistence/own-names.js'
import { scriptHead, type ScriptSubject } from './head.js'
import { recordBegin, recordInScript, runOfScript, START_STEP, startOfRun, type ScriptOrigin } from './record-run.js'
import { bracket, joinScript, waitForStandbys } from './assemble.js'
import { closeSession, openSettings, openSession, selfCheck, type ScriptHome } from './self-check.js'

export interface ScriptPlan extends ScriptSubject {
  readonly names: OwnNames
  readonly home: ScriptHome
  readonly steps: readonly PlannedStep[]
  /** The same steps as statements; in one transaction, without CONCURRENTLY. */
  readonly drafts: readonly DraftStep[]
  readonly leftovers: ArchiveObjects
}

/**
 * Renders a plan as one SQL script with the same effect and history as `migrate`, for psql or a web SQL editor. It uses no
 * psql commands, and records only steps that succeeded, even if the client continues after an error.
 */
export const renderScript = (plan: ScriptPlan): string => {
  const head = scriptHead(plan)
  if (plan.steps.length === 0 && plan.own.length === 0) return head
  const open = openSession(plan)
  const body = [
    ...(plan.form === 'transaction' ? ['BEGIN'] : []),
    ...selfCheck({ ...plan, madeBy: 'migrate --sql' }),
    ...openSettings(plan),
    ...open,
    ...bracket(plan.form, plan.own.length === 0 ? [] : ["-- chatkeep's own schema", ...plan.own]),
    ...open,
    ...bracket(plan.form, leftoverStatements(plan.leftovers, plan.names)),
    ...open,
    recordBegin({ inTransaction: plan.form === 'transaction' }, originOf(plan)),
    ...inOrder(plan).flatMap((pair) => [...open, ...stepStatements(pair, plan)]),
    ...open,
    recordEnd(plan),
    ...closeSession(plan),
    ...(plan.form === 'transaction' ? ['COMMIT'] : []),
    ...waitForStandbys,
  ]
  return joinScript(head, body)
}

const originOf = ({ planHash, names }: Pick<ScriptPlan, 'planHash' | 'names'>): ScriptOrigin => ({
  command: 'migrate',
  planHash,
  names,
})

// A client may have gone on after a step that failed.
const recordEnd = (plan: ScriptPlan): string => {
  const origin = originOf(plan)
  const done = `(SELECT count(*) FROM ${plan.names.runs} WHERE "detail" ->> 'run' = '${runOfScript(origin)}' AND "migration" IS NOT NULL)`
  return recordInScript(
    {
      action: 'migrate',
      inTransaction: plan.form === 'transaction',
      detail: { outcome: 'done' },
      conditions: [`${done} >= ${plan.steps.length}`],
      startedAt: startOfRun(origin),
    },
    origin,
  )
}

const leftoverStatements = (leftovers: ArchiveObjects, names: OwnNames): readonly string[] =>
  leftovers.trigger || leftovers.capture || leftovers.missedWrites || leftovers.guard
    ? ['-- leftovers of an interrupted rollback', ...dropStatements(names, leftovers), dropGuardStatement(names)]
    : []

interface ScriptStep {
  readonly step: PlannedStep
  readonly draft: DraftStep
}

// Repairs first, as in `migrate`.
const inOrder = ({ steps, drafts }: ScriptPlan): readonly ScriptStep[] => {
  const pairs = steps.flatMap((step, index): readonly ScriptStep[] => {
    const draft = drafts[index]
    return draft === undefined ? [] : [{ step, draft }]
  })
  const isRepair = ({ step }: ScriptStep): boolean => step.action === 'repair'
  return [...pairs.filter(isRepair), ...pairs.filter((pair) => !isRepair(pair))]
}

const stepStatements = (
  { step, draft }: ScriptStep,
  { form, planHash, leftovers, names }: Pick<ScriptPlan, 'form' | 'planHash' | 'leftovers' | 'names'>,
): readonly string[] => {
  const action = step.action === 'run' ? 'apply' : step.action
  // A line break in a name would end the comment.
  const title = printable(`-- ${draft.title}: ${action}${step.reason === '' ? '' : `, ${step.reason}`}`)
  const record = recordStatement(step, draft, planHash, names)
  const work = [...draft.statements.map(({ sql }) => sql), record]
  // With the index, the application saves again, and a resent message must find its key.
  const keys = leftovers.archive && makesKeyIndex(step) ? [returnAllKeys(names)] : []
  if (draft.inTransaction) return [title, ...keys, ...bracket(form, work)]
  if (draft.units === undefined) return [title, ...keys, START_STEP, ...work]
  const units = draft.units.flatMap((unit) => (isConcurrent(unit) ? unit : bracket(form, unit)))
  return [title, ...keys, START_STEP, ...units, record]
}

// One statement writes both tables, so they always agree. It requires that the built index is valid, the step before it is
// recorded, and the step itself is not.
const recordStatement = (
  { file, action, partitioned }: PlannedStep,
  draft: DraftStep,
  planHash: string,
  names: OwnNames,
): string => {
  const { migrations } = names
  const built = (partitioned === undefined ? builtIndexes(draft) : [partitioned.wanted.name]).map(isValid)
  const origin = originOf({ planHash, names })
  const run = { migration: migrationTitle(file), inTransaction: draft.inTransaction }
  if (action === 'repair') return recordInScript({ ...run, action: 'repair', conditions: built }, origin)
  const before = `EXISTS (SELECT FROM ${migrations} WHERE "id" = ${file.id - 1})`
  const itself = `NOT EXISTS (SELECT FROM ${migrations} WHERE "id" = ${file.id})`
  return `WITH recorded AS (
  INSERT INTO ${migrations} ("id", "name", "hash")
  SELECT ${historyValues(file)}
  WHERE ${[...built, before, itself].join('\n    AND ')}
  RETURNING 1
)
${recordInScript({ ...run, action: action === 'record' ? 'record' : 'apply', source: 'FROM recorded' }, origin)}`
}

const builtIndexes = ({ statements }: DraftStep): readonly string[] =>
  statements.flatMap(({ node }) => ('IndexStmt' in node ? (node.IndexStmt.idxname ?? []) : []))

const isValid = (index: string): string =>
  `EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass(${escapeLiteral(escapeIdentifier(index))}) AND indisvalid AND indisready)`
