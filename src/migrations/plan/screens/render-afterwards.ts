import { printable } from '../../../terminal/printable.js'
import { byteSize, count } from '../../../terminal/render.js'
import type { TableChange, TableObjects } from '../afterwards.js'
import type { PlanDetails } from '../describe-plan.js'

/** What a plan leaves on each table, and what an INSERT then costs. */
export const renderAfterwards = (plan: PlanDetails): readonly string[] =>
  plan.afterwards.flatMap((change) => [
    `afterwards, on "${printable(change.table)}":`,
    ...stays(change, plan).map((line) => `  ${printable(line)}`),
  ])

const stays = ({ table, added, dropped, indexes }: TableChange, plan: PlanDetails): readonly string[] => [
  ...namedColumns('new', added),
  ...indexCount('new', added, 'up to ', builtBytes(table, plan)),
  ...added.constraints.map((name) => `new: ${name}`),
  ...namedColumns('gone', dropped),
  ...indexCount('gone', dropped, '', foundBytes(dropped, plan)),
  ...dropped.constraints.map((name) => `gone: ${name}`),
  added.triggers.length === 0 ? 'no trigger of chatkeep' : `new: trigger ${added.triggers.join(', ')}`,
  ...(indexes.before === indexes.after ? [] : [insertCost(table, indexes)]),
]

const namedColumns = (state: 'new' | 'gone', { columns }: TableObjects): readonly string[] =>
  columns.length === 0 ? [] : [`${state}: ${count(columns.length, 'column')}: ${columns.join(', ')}`]

const indexCount = (
  state: 'new' | 'gone',
  { indexes }: TableObjects,
  most: '' | 'up to ',
  bytes: number,
): readonly string[] => {
  if (indexes.length === 0) return []
  const size = bytes === 0 ? '' : `, ${most}${byteSize(bytes)}`
  return [`${state}: ${indexes.length === 1 ? `index ${indexes[0]}` : `${indexes.length} indexes`}${size}`]
}

const builtBytes = (table: string, { steps }: PlanDetails): number =>
  sum(
    steps
      .flatMap(({ statements }) => statements)
      .filter((statement) => statement.table === table)
      .map(({ indexBytes }) => indexBytes),
  )

const foundBytes = ({ indexes }: TableObjects, { tables }: PlanDetails): number =>
  sum(
    tables
      .flatMap((facts) => facts.indexes)
      .filter(({ name }) => indexes.includes(name))
      .map(({ bytes }) => bytes),
  )

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

const insertCost = (table: string, { before, after }: TableChange['indexes']): string => {
  const measured =
    table === 'ChatMessage' && after > before
      ? `; the whole update makes it take 1.2 times the processor time (${MEASURED})`
      : ''
  return `each INSERT maintains up to ${after} indexes instead of ${before}${measured}`
}

/** Where the figure is from. */
const MEASURED = 'measured: docs/decisions/migrations.md'
