import { chatkeep, describeSteps, type TargetNaming } from '../../../next-step.js'
import { printable } from '../../../terminal/printable.js'
import { byteSize, count, duration, type Render } from '../../../terminal/render.js'
import { strongestLock, UNKNOWN_BLOCKS, type Blocks, type TableLock } from '../../locks/lock-modes.js'
import type { PlanDetails } from '../describe-plan.js'
import type { StatementDetails, StepDetails } from '../describe-step.js'
import { describeObstacle, type Obstacle } from '../obstacle.js'
import { renderAfterwards } from './render-afterwards.js'
import { renderStatements } from './render-statements.js'
import type { TableFacts } from '../table-facts.js'

/** Whether something keeps the plan from running at all. */
export const isRefused = (plan: Pick<PlanDetails, 'obstacles'> | undefined): boolean =>
  plan?.obstacles.some(({ effect }) => effect === 'refused') ?? false

/** The last line of a dry run whose plan cannot run. */
export const REFUSED = 'dry run: nothing was changed, and it cannot run: see "refused" above'

/** Up to this long a statement is said to take milliseconds. */
const MILLISECONDS = 10

/** How a plan is shown. */
export interface PlanView {
  /** Adds every statement in full. */
  readonly verbose: boolean
  /** How the run names its database, for the commands in the plan. */
  readonly naming: TargetNaming | undefined
}

/** The plan as a table, then sizes, time, what stays, and what is in the way. */
export const renderPlan = (plan: PlanDetails, { naming, verbose }: PlanView, render: Render): string =>
  [
    render.table(
      ['statement', 'lock', 'time'],
      plan.steps.flatMap((step) => stepRows(step, plan.tables)),
    ),
    ...plan.steps.flatMap(reasonLines),
    ...tableLines(plan),
    ...timeLines(plan),
    ...renderAfterwards(plan),
    ...wayBackLines(plan, naming),
    ...(verbose ? renderStatements(plan.steps) : ['in full: add --verbose, or --json for programs']),
    ...plan.obstacles.map((obstacle) => renderObstacle(obstacle, naming)),
  ].join('\n')

/** One obstacle on one line. */
export const renderObstacle = (obstacle: Obstacle, naming: TargetNaming | undefined): string =>
  `${EFFECT_WORDS[obstacle.effect].padEnd(7)}  ${printable(wordsOf(obstacle, naming))}`

// What removes a refusal stands last, in the verdict.
const wordsOf = (obstacle: Obstacle, naming: TargetNaming | undefined): string =>
  obstacle.effect === 'refused' ? obstacle.text : describeObstacle(obstacle, naming)

// Of the plan: it is the plan that waits, not what the text names.
const EFFECT_WORDS: Readonly<Record<Obstacle['effect'], string>> = {
  refused: 'refused',
  waits: 'delayed',
  note: 'note',
}

const reasonLines = ({ title, reason, statements }: StepDetails): readonly string[] =>
  reason === '' || statements.length === 0 ? [] : [printable(`${title}: ${reason}`)]

const stepRows = (
  { title, action, reason, statements }: StepDetails,
  tables: readonly TableFacts[],
): readonly (readonly string[])[] => {
  if (statements.length === 0) {
    const why = reason === '' ? '' : ` (${reason})`
    return [[printable(`${title}: ${action} only${why}`), 'none', MOMENT]]
  }
  const groups = grouped(statements)
  const shown = groups.length > MOST_ROWS ? groups.slice(0, MOST_ROWS - 1) : groups
  const rows = shown.map(({ first, more }) => {
    const others = more === 0 ? '' : `, and ${more.toLocaleString('en-US')} more`
    return [
      printable(`${shortTitle(title)}: ${first.description}${others}`),
      lockWords(first, tables),
      timeWords(first.estimate.ms),
    ]
  })
  return [...rows, ...restRow(title, groups.slice(shown.length), tables)]
}

/** Of one step; all statements are in --verbose and --json. */
const MOST_ROWS = 20

// As one row, with the lock that blocks most.
const restRow = (
  title: string,
  groups: readonly Group[],
  tables: readonly TableFacts[],
): readonly (readonly string[])[] => {
  if (groups.length === 0) return []
  const statements = groups.map(({ first }) => first)
  const strongest = strongestLock(statements.flatMap(({ locks }) => locks))
  const worst =
    statements.find(({ blocks }) => blocks === UNKNOWN_BLOCKS) ??
    statements.find(({ locks }) => strongest !== undefined && locks.includes(strongest))
  const amount = groups.reduce((sum, { more }) => sum + 1 + more, 0)
  const times = statements.map(({ estimate }) => estimate.ms)
  return [
    [
      printable(`${shortTitle(title)}: … and ${count(amount, 'more statement')}`),
      worst === undefined ? 'none' : `at most ${lockWords(worst, tables)}`,
      timeWords(times.includes(null) ? null : times.reduce<number>((sum, ms) => sum + (ms ?? 0), 0)),
    ],
  ]
}

interface Group {
  readonly first: StatementDetails
  readonly more: number
}

// Statements of the same kind with the same lock are one line, and so are all that lock no table, and those on partitions.
const grouped = (statements: readonly StatementDetails[]): readonly Group[] => {
  const groups = new Map<string, Group>()
  for (const statement of statements) {
    const key = kind(statement)
    const known = groups.get(key)
    groups.set(key, known === undefined ? { first: statement, more: 0 } : { ...known, more: known.more + 1 })
  }
  return [...groups.values()]
}

const kind = ({ sql, blocks, locks, estimate }: StatementDetails): string =>
  JSON.stringify([
    locks.length === 0 && blocks === 'nobody' ? '' : /^\w+(?: OR REPLACE)?(?: \w+)?/i.exec(sql)?.[0].toUpperCase(),
    blocks,
    ON_PARTITIONS.test(sql) ? locks.map(({ mode }) => mode) : locks,
    timeWords(estimate.ms),
  ])

// A migration has one index, so that several are those of partitions.
const ON_PARTITIONS = /^(?:CREATE INDEX CONCURRENTLY|ALTER INDEX) /

// With its whole title, a statement would rarely fit into a line.
const shortTitle = (title: string): string => title.replace(/^(\d+)_.*/, 'migration $1')

// The strongest lock; --verbose and --json list all of them.
const lockWords = ({ locks, blocks }: StatementDetails, tables: readonly TableFacts[]): string => {
  if (blocks === UNKNOWN_BLOCKS) return 'unknown: assume that it blocks readers and writers'
  // Among equals, that of a table of the application.
  const factsOf = (lock: TableLock | undefined): TableFacts | undefined =>
    tables.find(({ table }) => table === lock?.table)
  const lock = strongestLock(
    locks.toSorted((a, b) => Number(factsOf(b) !== undefined) - Number(factsOf(a) !== undefined)),
  )
  if (lock === undefined) return 'none'
  const facts = factsOf(lock)
  const size = facts === undefined ? '' : ` (${byteSize(facts.totalBytes)})`
  return printable(`${lock.mode} on ${lock.table}${size}, blocks ${BLOCKED[blocks]}`)
}

const BLOCKED: Readonly<Record<Blocks, string>> = {
  nobody: 'nobody',
  'other schema changes': 'schema changes',
  writers: 'writers',
  'readers and writers': 'readers and writers',
  [UNKNOWN_BLOCKS]: 'readers and writers',
}

const MOMENT = 'milliseconds'

const timeWords = (ms: number | null): string => {
  if (ms === null) return 'unknown'
  return ms <= MILLISECONDS ? MOMENT : `~${duration(ms)}`
}

const tableLines = ({ tables }: PlanDetails): readonly string[] => {
  const described = tables.map(({ table, rows, totalBytes }) => {
    const amount = rows === null ? 'rows unknown (never analysed)' : `~${Math.round(rows).toLocaleString('en-US')} rows`
    return `"${printable(table)}" ${amount}, ${byteSize(totalBytes)}`
  })
  return described.map((line, index) => `${index === 0 ? 'tables: ' : '        '}${line}`)
}

// The base tables are the application's own, and stay.
const wayBackLines = ({ steps }: PlanDetails, naming: TargetNaming | undefined): readonly string[] => {
  const changing = steps.filter(({ action, statements }) => statements.length > 0 && APPLYING.includes(action))
  if (changing.length === 0) return []
  const staying = changing.filter(({ statements }) => statements.some(({ reversible }) => !reversible))
  const exception = staying.length === 0 ? '' : `, but for ${staying.map(({ title }) => title).join(', ')}`
  return [`way back: ${describeSteps(chatkeep('rollback'), naming)}${exception}`]
}

const APPLYING: readonly StepDetails['action'][] = ['run', 'rebuild', 'repair']

const timeLines = ({ steps, estimatedMs }: PlanDetails): readonly string[] => {
  const statements = steps.flatMap((step) => step.statements)
  if (statements.length === 0) return []
  const unknown = statements.filter(({ estimate }) => estimate.ms === null).length
  const rest = unknown === 0 ? '' : `, and ${count(unknown, 'statement')} without an estimate`
  const total = `time: about ${duration(estimatedMs)}${rest}; waiting for locks comes on top`
  const [longest] = statements.toSorted((a, b) => (b.estimate.ms ?? 0) - (a.estimate.ms ?? 0))
  if (longest === undefined || (longest.estimate.ms ?? 0) <= MILLISECONDS) return [total]
  const { description, estimate } = longest
  return [total, printable(`longest: ${description}: ${timeWords(estimate.ms)} (${estimate.basis})`)]
}
