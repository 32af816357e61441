import type { Queryable } from '../../database/connection.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { ADD_GUARD, readArchiveObjects, VALIDATE_GUARD } from '../archive/archive.js'
import { DROP_CAPTURE, startStatements } from '../archive/capture.js'
import { migrationTitle, readRollbackFile, runsInTransaction, type MigrationFile } from '../ledger/migration-files.js'
import { BATCH_ROWS, countMissing, insertBatch, refreshBatch } from '../archive/fill.js'
import { INSERT_CLIENT } from '../guests/guest-client.js'
import { KEEP_CREATED_CLIENT, LINK_MESSAGES, REMOVE_ORPHANS } from '../guests/link-guests.js'
import type { Obstacle } from './obstacles.js'
import { splitFile, type DraftStep } from './draft-steps.js'
import type { OnOrphans } from '../guests/orphans.js'
import { describePlan, type PlanDetails } from './describe-plan.js'
import { planHash, refuseOtherPlan } from './plan-hash.js'
import type { MigrationState } from '../ledger/migration-state.js'
import type { PriceTag } from './price-tag.js'
import type { RollbackRange } from '../ledger/rollback-range.js'
import { splitStatements } from '../ledger/split-statements.js'

/** A migration to be undone, and its way back. */
export interface Undone {
  readonly file: MigrationFile
  readonly script: string
}

export interface RollbackQuestion {
  readonly state: MigrationState
  readonly undone: readonly Undone[]
  readonly price: PriceTag
  readonly range: RollbackRange
  readonly onOrphans: OnOrphans
  readonly schema: string
}

export const readUndone = (folder: string, files: readonly MigrationFile[]): Promise<readonly Undone[]> =>
  Promise.all(files.map(async (file) => ({ file, script: await readRollbackFile(folder, file) })))

/**
 * The hash of the rollback's plan.
 * @throws OperatorError `plan_changed` (exit 5) when it is not the one that was agreed to
 */
export const refuseOtherRollback = async (
  client: Queryable,
  state: MigrationState,
  undone: readonly Undone[],
  { onOrphans, planHash: agreed }: { readonly onOrphans: OnOrphans; readonly planHash?: string | undefined },
): Promise<string> => {
  const scripts = [`orphans: ${onOrphans}`, ...undone.map(({ file, script }) => `${migrationTitle(file)}: ${script}`)]
  const hash = planHash({ command: 'rollback', state, archive: await readArchiveObjects(client), scripts })
  refuseOtherPlan(agreed, hash, 'rollback')
  return hash
}

/** Every statement of a rollback with its locks and its time: first what prepares it, then the ways back, newest first. */
export const describeRollback = async (client: Queryable, question: RollbackQuestion): Promise<PlanDetails> => {
  const { state, undone, price, range, onOrphans, schema } = question
  const ways = await Promise.all(undone.map((one) => wayBack(one, range)))
  const phases = range.captureEnds === undefined ? [] : await Promise.all(preparations(schema, range).map(draftPhase))
  const inUse = await readColumnsInUse(client, undone)
  const details = await describePlan(client, schema, state.catalog, [...phases, ...ways], {
    provenNotNull: ['clientId'],
    obstacles: [...inUse, ...unlinkable(price), ...(onOrphans === 'abort' ? orphaned(price) : [])],
  })
  return withGuests(details, price)
}

/** Measured with durable commits: two for each guest. */
const MS_A_GUEST = 2.5

// A statement's cost says nothing of how often it runs.
const withGuests = (details: PlanDetails, { clientsToCreate }: PriceTag): PlanDetails => {
  if (clientsToCreate === 0) return details
  const estimate = { ms: MS_A_GUEST * clientsToCreate, basis: `${clientsToCreate} guests at ${MS_A_GUEST} ms each` }
  const steps = details.steps.map((step) =>
    step.title === LINK_GUESTS
      ? { ...step, statements: step.statements.map((one, index) => (index === 0 ? { ...one, estimate } : one)) }
      : step,
  )
  return { ...details, steps, estimatedMs: details.estimatedMs + estimate.ms }
}

/** @throws OperatorError `column_in_use` (exit 5): better before the first drop than after the tenth */
export const refuseColumnsInUse = async (client: Queryable, undone: readonly Undone[]): Promise<void> => {
  const inUse = await readColumnsInUse(client, undone)
  if (inUse.length === 0) return
  throw new OperatorError('column_in_use', 'columns that the rollback drops are used elsewhere; nothing was changed', {
    exitCode: ExitCode.refused,
    details: inUse.map(({ text }) => text),
    hint: 'drop or change what is named above, then run chatkeep rollback again',
  })
}

const LINK_GUESTS = 'link guests'

interface Phase {
  readonly title: string
  readonly reason: string
  readonly inTransaction: boolean
  readonly statements: readonly string[]
}

const preparations = (schema: string, range: RollbackRange): readonly Phase[] => [
  {
    title: 'archive begins',
    reason: 'from here on a trigger archives what others write',
    inTransaction: true,
    statements: startStatements(schema, range),
  },
  {
    title: 'archive',
    reason: `in batches of ${BATCH_ROWS.toLocaleString('en-US')} messages; writers of such a row wait for milliseconds`,
    inTransaction: true,
    statements: [insertBatch(range), refreshBatch(range)],
  },
  ...(range.needsClients ? GIVE_CLIENTS : []),
  {
    title: 'compare',
    reason: 'that the archive has all guest data',
    inTransaction: true,
    statements: [countMissing(range)],
  },
]

const GIVE_CLIENTS: readonly Phase[] = [
  {
    title: LINK_GUESTS,
    reason: 'one transaction a guest; twice, for what is written meanwhile',
    inTransaction: true,
    statements: [INSERT_CLIENT, KEEP_CREATED_CLIENT, LINK_MESSAGES],
  },
  {
    title: 'move out',
    reason: 'messages with neither client nor guest',
    inTransaction: true,
    statements: [REMOVE_ORPHANS],
  },
  { title: 'guard', reason: 'from here on every message has a client', inTransaction: true, statements: [ADD_GUARD] },
  {
    title: 'check',
    reason: 'that every message has a client',
    inTransaction: true,
    statements: [VALIDATE_GUARD],
  },
]

const draftPhase = async ({ statements, ...phase }: Phase): Promise<DraftStep> => ({
  ...phase,
  action: 'prepare',
  reversible: true,
  statements: await splitStatements(statements.map((statement) => `${statement};\n`).join('')),
})

const wayBack = async ({ file, script }: Undone, { captureEnds }: RollbackRange): Promise<DraftStep> => {
  const capture = file.name === captureEnds ? DROP_CAPTURE : []
  const text = [...capture.map((statement) => `${statement};\n`), script].join('')
  return {
    title: migrationTitle(file),
    action: 'undo',
    reason: '',
    inTransaction: runsInTransaction({ sql: script }),
    reversible: true,
    statements: await splitFile(`migrations/rollback/${file.fileName}`, text),
  }
}

const unlinkable = ({ clientsToCreate, blockingClientColumns }: PriceTag): readonly Obstacle[] =>
  clientsToCreate === 0
    ? []
    : blockingClientColumns.map((column) => ({
        code: 'clients_cannot_be_created',
        effect: 'refused',
        text: `${clientsToCreate} guests need a client, but "Client"."${column}" is NOT NULL and has no default`,
      }))

const orphaned = ({ messagesToRemove }: PriceTag): readonly Obstacle[] =>
  messagesToRemove === 0
    ? []
    : [
        {
          code: 'messages_without_client',
          effect: 'refused',
          text: `${messagesToRemove} messages have neither client nor guest name, and --on-orphans is abort`,
        },
      ]

const SELECT_COLUMNS_IN_USE = `
  SELECT DISTINCT a.attname AS "column", r.ev_class::regclass::text AS "view"
  FROM pg_catalog.pg_depend AS d
  JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
    AND d.refobjid = to_regclass('"ChatMessage"') AND a.attname = ANY ($1)
  ORDER BY 1, 2`

// A view or a rule keeps its column from being dropped.
const readColumnsInUse = async (client: Queryable, undone: readonly Undone[]): Promise<readonly Obstacle[]> => {
  const dropped = (await Promise.all(undone.map(droppedColumns))).flat()
  const { rows } = await client.query<{ column: string; view: string }>(SELECT_COLUMNS_IN_USE, [dropped])
  return rows.map(({ column, view }) => ({
    code: 'column_in_use',
    effect: 'refused',
    text: `"ChatMessage"."${column}" is used by the view or rule of ${view}, so it cannot be dropped`,
  }))
}

const droppedColumns = async ({ file, script }: Undone): Promise<readonly string[]> => {
  const statements = await splitFile(`migrations/rollback/${file.fileName}`, script)
  return statements
    .flatMap(({ node }) => ('AlterTableStmt' in node ? (node.AlterTableStmt.cmds ?? []) : []))
    .flatMap((node) =>
      'AlterTableCmd' in node && node.AlterTableCmd.subtype === 'AT_DropColumn' ? (node.AlterTableCmd.name ?? []) : [],
    )
}
