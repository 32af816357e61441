import { byteSize, count, type Render } from '../../../terminal/render.js'
import type { OnOrphans } from '../../guests/orphans.js'
import { BASE_MIGRATION } from '../../ledger/migration-names.js'
import { rollbackBytes, type BytesWritten, type PriceTag } from '../price-tag.js'

interface Choice {
  readonly to: number
  readonly onOrphans: OnOrphans
}

/** What a rollback costs, row by row. */
export const renderPriceTag = (price: PriceTag, choice: Choice, render: Render): string => {
  // A partial rollback costs little; of a whole one, a 0 shows that the rows were counted.
  const shown = costsOf(price, choice).filter(([rows]) => rows > 0 || choice.to === BASE_MIGRATION)
  const total = count(price.messages, 'message')
  if (shown.length === 0) return `no message is changed (${total} in all)`
  const amounts = ['rows', ...shown.map(([amount]) => amount.toLocaleString('en-US'))]
  const width = Math.max(...amounts.map(({ length }) => length))
  const [head = '', ...figures] = amounts.map((amount) => amount.padStart(width))
  return [
    render.table(
      ['what happens', head],
      shown.map(([, what], index) => [what, figures[index] ?? '']),
    ),
    `of ${total} in all; the next chatkeep migrate puts everything back`,
    ...bytesLines(rollbackBytes(price)),
  ].join('\n')
}

const costsOf = (price: PriceTag, { onOrphans }: Choice): readonly (readonly [number, string])[] => [
  [price.guestMessages, 'guest name and phone move to the archive'],
  [price.messagesWithKey, 'idempotency key moves to the archive'],
  [price.unverifiedMessages, 'mark of an unverified guest moves to the archive'],
  [price.messagesToLink, 'message without client gets the client of its guest name'],
  [price.clientsToCreate, 'client is created for such a guest'],
  [price.messagesToRemove, `message without client and guest ${ORPHANS[onOrphans]}`],
]

const ORPHANS: Readonly<Record<OnOrphans, string>> = {
  archive: 'moves to the archive whole',
  abort: 'is in the way (--on-orphans abort)',
}

const WORTH_MENTIONING_BYTES = 100e6

/** One line for people; none where it is little. The server does not say how much disk is free. */
export const bytesLines = ({ walBytes, diskBytes }: BytesWritten): readonly string[] =>
  walBytes < WORTH_MENTIONING_BYTES
    ? []
    : [
        `writes about ${byteSize(walBytes)} of WAL; tables grow by up to ${byteSize(diskBytes)} until VACUUM: check that it is free`,
      ]
