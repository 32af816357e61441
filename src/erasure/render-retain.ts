import { describeTarget, type ConnectionTarget } from '../database/connection-target.js'
import { describeSteps, toStepDocuments, type NextStep } from '../next-step.js'
import type { ReferringRows } from '../persistence/erasure/references.js'
import { isNothingAged, type RetentionPrice } from '../persistence/erasure/retention.js'
import { verdictLast, type Answer } from '../terminal/answer.js'
import { printable } from '../terminal/printable.js'
import { byteSize, count, type Render } from '../terminal/render.js'

interface Shown {
  readonly target: ConnectionTarget
  readonly olderThan: Date
  readonly price: RetentionPrice
  /** Deletes the messages without a question. */
  readonly command: NextStep
}

/** More would scroll: then years are shown. */
const MOST_MONTHS = 24

/** What the deletion takes, before it is confirmed. */
export const priceLines = ({ olderThan, price }: Shown, render: Render): readonly string[] => {
  const { messages, months, archived, bytes, referring, partitions } = price
  const periods =
    months.length > MOST_MONTHS ? perYear(months) : months.map((one) => [one.month, one.messages] as const)
  const figures = periods.map(([, amount]) => amount.toLocaleString('en-US'))
  const width = Math.max('messages'.length, ...figures.map(({ length }) => length))
  return [
    ...(periods.length === 0
      ? []
      : [
          render.table(
            [months.length > MOST_MONTHS ? 'year' : 'month', 'messages'.padStart(width)],
            periods.map(([name], index) => [name, (figures[index] ?? '').padStart(width)]),
          ),
        ]),
    `older than ${olderThan.toISOString()}: ${count(messages, 'message')}, about ${byteSize(bytes)} without indexes; VACUUM makes the space free for new rows`,
    ...(archived.rows === 0
      ? []
      : [
          `archive of the rollback: ${count(archived.rows, 'row')} of messages of that age deleted as well, ${archived.messages.toLocaleString('en-US')} of them whole messages that are nowhere else`,
        ]),
    ...referring.map(describeReferring),
    ...partitions.map(
      (name) => `note: partition ${printable(name)} is older as a whole: DROP TABLE is faster, and gives the disk back`,
    ),
    'clients stay, also those without messages; a key of a deleted message may be used again',
  ]
}

/** What happens to rows of the application. */
export const describeReferring = ({ table, onDelete, rows }: ReferringRows): string => {
  const amount = rows === null ? 'rows (this role may not count them)' : count(rows, 'row')
  const what = {
    cascade: 'deleted as well: ON DELETE CASCADE, with what refers to them in turn',
    'set null': 'without the reference afterwards: ON DELETE SET NULL',
    'set default': 'with the default reference afterwards: ON DELETE SET DEFAULT',
    restrict: 'in the way: the foreign key allows no deletion',
  }[onDelete]
  return `${printable(table)}: ${amount}, ${what}`
}

const perYear = (months: RetentionPrice['months']): readonly (readonly [string, number])[] => {
  const years = new Map<string, number>()
  for (const { month, messages } of months) {
    const year = month.split('-')[0] ?? month
    years.set(year, (years.get(year) ?? 0) + messages)
  }
  return [...years]
}

/** @param deleted absent after a dry run */
export const retainAnswer = (
  shown: Shown & { readonly head?: string | undefined; readonly deleted: number | undefined },
): Answer => {
  const { target, olderThan, price, command, head, deleted } = shown
  const isDryRun = deleted === undefined
  const none = `no message is older than ${olderThan.toISOString()}`
  const isEmpty = isNothingAged(price)
  const verdict = (render: Render): string => {
    const rows =
      price.archived.rows === 0 ? '' : `, ${count(price.archived.rows, 'row')} of the archive of the rollback`
    if (!isDryRun)
      return `${render.paint.green('ok:')} ${isEmpty ? none : `${count(deleted, 'message')} deleted${rows}`}`
    return isEmpty ? `dry run: ${none}` : `dry run: nothing was changed. Next: ${describeSteps(command, target.naming)}`
  }
  return {
    data: {
      ...{ target: describeTarget(target), dryRun: isDryRun, olderThan, ...price, deleted: deleted ?? 0 },
      ...(isDryRun && !isEmpty ? { next: toStepDocuments(command, target.naming) } : {}),
    },
    ...verdictLast((render) => [
      ...(head === undefined ? [] : [head]),
      ...(isDryRun && !isEmpty ? priceLines(shown, render) : []),
      verdict(render),
    ]),
  }
}
