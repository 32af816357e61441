import { count, type Render } from '../../terminal/render.js'
import type { OnOrphans } from '../guests/orphans.js'
import { BASE_MIGRATION } from '../ledger/migration-names.js'
import type { PriceTag } from './price-tag.js'

interface Choice {
  readonly to: number
  readonly onOrphans: OnOrphans
}

/** What a rollback costs, row by row. */
export const renderPriceTag = (price: PriceTag, choice: Choice, render: Render): string => {
  // A partial rollback costs little; of a whole one, a 0 shows that the rows were counted.
  const shown = costsOf(price, choice).filter(([rows]) => rows > 0 || choice.to === BASE_MIGRATION)
  const total = count(price.messages, 'message')
  if (shown.length === 0) return `no message loses anything (of ${total} in all)`
  const rows = shown.map(([amount, what]) => [amount.toLocaleString('en-US').padStart(WIDTH), what])
  return [
    render.table(['rows'.padStart(WIDTH), 'what happens to them'], rows),
    `of ${total} in all; the next chatkeep migrate puts everything back`,
  ].join('\n')
}

const WIDTH = 10

const costsOf = (price: PriceTag, { onOrphans }: Choice): readonly (readonly [number, string])[] => [
  [price.guestMessages, 'messages lose their guest name and phone (archived)'],
  [price.messagesWithKey, 'messages lose their idempotency key (archived)'],
  [price.unverifiedMessages, 'messages lose the mark of an unverified guest (archived)'],
  [price.messagesToLink, 'messages without client get the client of their guest name'],
  [price.clientsToCreate, 'clients are created for such guests'],
  [price.messagesToRemove, `messages with neither client nor guest ${ORPHANS[onOrphans]}`],
]

const ORPHANS: Readonly<Record<OnOrphans, string>> = {
  archive: 'leave the table (archived whole)',
  abort: 'are in the way (--on-orphans abort)',
}
