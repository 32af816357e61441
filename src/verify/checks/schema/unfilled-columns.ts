import type { CatalogColumn } from '../../../database/catalog.js'
import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { blockingClientColumns, columnName } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'

/** What chatkeep writes into a message. The id comes from its default. */
const FILLED_MESSAGE_COLUMNS: readonly string[] = [
  'createdAt',
  'clientId',
  'guestUsername',
  'guestPhone',
  'clientSocketId',
  'senderType',
  'operatorId',
  'messageType',
  'text',
  'imageUrl',
  'imageName',
  'mimeType',
  'sessionId',
  'idempotencyKey',
  'guestUnverified',
]

/** Can a message, and a client made of a guest, be written with what chatkeep knows? */
export const unfilledColumns: FactCheck = {
  name: 'unfilled-columns',
  expectations: ['migrated'],
  findings: (facts) => {
    const blocking = blockingClientColumns(facts.catalog)
    return facts.catalog.columns
      .filter((column) => (column.table === 'Client' && blocking.includes(column.column)) || blocksMessages(column))
      .map((column) => unfilledFinding(column, facts))
  },
}

const blocksMessages = ({ table, column, nullable, optional }: CatalogColumn): boolean =>
  table === 'ChatMessage' && !nullable && !optional && !FILLED_MESSAGE_COLUMNS.includes(column)

const unfilledFinding = (column: CatalogColumn, { schema }: Facts): Finding =>
  finding('error', 'column_without_default', {
    object: columnName(column),
    expected: 'nullable or with a default, since chatkeep does not fill it',
    actual: `${column.type}, NOT NULL without default`,
    help: `ALTER TABLE ${qualified(schema, column.table)} ALTER COLUMN ${escapeIdentifier(column.column)} SET DEFAULT …`,
  })
