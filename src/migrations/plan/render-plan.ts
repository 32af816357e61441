import { printable } from '../../terminal/printable.js'
import { byteSize, count, duration, type Render } from '../../terminal/render.js'
import { strongestLock, UNKNOWN_BLOCKS, type Blocks } from '../locks/lock-modes.js'
import { chatkeep, describeSteps, type TargetNaming } from '../../next-step.js'
import type { PlanDetails } from './describe-plan.js'
import type { StatementDetails, StepDetails } from './describe-step.js'
import { describeObstacle, type Obstacle } from './obstacle.js'

/** Whether something keeps the plan from running at all. */
export const isRefused = (plan: Pick<PlanDetails, 'obstacles'> | undefined): boolean =>
  plan?.obstacles.some(({ effect }) => effect === 'refused') ?? false

/** The last line of a dry run whose plan cannot run. */
export const REFUSED = 'dry run: nothing was changed, and it cannot run: see "refused" above'

/** With the other columns at their widest, a line fits into 100 characters. */
const STATEMENT_WIDTH = 42

/** Up to this long a statement is said to take milliseconds. */
const MILLISECONDS = 10

/** The plan as a table, then sizes, time, and what is in the way. */
export const renderPlan = (plan: PlanDetails, naming: TargetNaming | undefined, render: Render): string =>
  [
    render.table(
      ['statement', 'lock', 'blocks', 'time'],
      plan.steps.flatMap((step) => stepRows(step)),
    ),
    ...plan.steps.filter(({ reason }) => reason !== '').map(({ title, reason }) => printable(`${title}: ${reason}`)),
    ...tableLines(plan),
    ...timeLines(plan),
    ...wayBackLines(plan, naming),
    ...plan.obstacles.map((obstacle) => renderObstacle(obstacle, naming)),
  ].join('\n')

/** One obstacle on one line. */
export const renderObstacle = (obstacle: Obstacle, naming: TargetNaming | undefined): string =>
  `${obstacle.effect.padEnd(7)}  ${printable(describeObstacle(obstacle, naming))}`

const stepRows = (step: StepDetails): readonly (readonly string[])[] => {
  if (step.statements.length === 0) return [[`${step.title}: ${step.action} only`, 'none', 'none', 'ms']]
  return grouped(step.statements).map(({ first, more }, index) => {
    const lead = index === 0 ? `${step.title}: ` : '  '
    const tail = more === 0 ? '' : ` +${more}`
    return [
      `${shorten(lead + plain(first.sql), STATEMENT_WIDTH - tail.length)}${tail}`,
      strongest(first),
      BLOCKED[first.blocks],
      time(first.estimate.ms),
    ]
  })
}

// The lock says it already, and what is cut off at the end says more.
const plain = (sql: string): string =>
  sql
    .replace(/\s+/g, ' ')
    .replace(/"(?!chatkeep)[^"]+"\.(?=")/g, '')
    .replace(/\b(CONCURRENTLY|IF NOT EXISTS|IF EXISTS|OR REPLACE) /g, '')
    .trim()

interface Group {
  readonly first: StatementDetails
  readonly more: number
}

// Statements of the same kind with the same lock are one line, and so are all that lock no table.
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
    locks,
    time(estimate.ms),
  ])

const shorten = (text: string, width: number): string => {
  const line = printable(text)
  return line.length <= width ? line : `${line.slice(0, width - 1).trimEnd()}…`
}

// The strongest lock; --json lists all of them.
const strongest = ({ locks, blocks }: StatementDetails): string =>
  blocks === UNKNOWN_BLOCKS ? 'unknown' : (strongestLock(locks)?.mode ?? 'none')

const BLOCKED: Readonly<Record<Blocks, string>> = {
  nobody: 'none',
  'other schema changes': 'schema changes',
  writers: 'writers',
  'readers and writers': 'readers and writers',
  [UNKNOWN_BLOCKS]: 'assume everybody',
}

const time = (ms: number | null): string => {
  if (ms === null) return '?'
  return ms <= MILLISECONDS ? 'ms' : `~${duration(ms)}`
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
  return [
    `way back: ${describeSteps(chatkeep('rollback'), naming)}${exception}`,
    `in full: ${describeSteps(chatkeep('migrate --sql'), naming)} for the statements, --dry-run --json for every lock, size and basis`,
  ]
}

const APPLYING: readonly StepDetails['action'][] = ['run', 'rebuild', 'repair']

const timeLines = ({ steps, estimatedMs }: PlanDetails): readonly string[] => {
  const statements = steps.flatMap((step) => step.statements)
  if (statements.length === 0) return []
  const unknown = statements.filter(({ estimate }) => estimate.ms === null).length
  const longest = statements.toSorted((a, b) => (b.estimate.ms ?? 0) - (a.estimate.ms ?? 0))[0]
  const rest = unknown === 0 ? '' : `, and ${count(unknown, 'statement')} without an estimate`
  const total = `time: about ${duration(estimatedMs)}${rest}; waiting for locks comes on top`
  const basis = (longest?.estimate.ms ?? 0) <= MILLISECONDS ? [] : [`longest: ${longest?.estimate.basis ?? ''}`]
  return [total, ...basis]
}
