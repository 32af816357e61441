import type { CatalogColumn } from '../../../database/catalog.js'
import { columnName, unfilledColumns as unfilled } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { optionalColumn } from '../objects/repair-column.js'

type Code = 'column_without_default'

/** Can a message, and a client for a guest, be inserted with the columns that chatkeep fills? */
export const unfilledColumns: FactCheck<Code> = {
  name: 'unfilled-columns',
  expectations: ['migrated'],
  needs: { ChatMessage: [], Client: [] },
  findings: (facts) => unfilled(facts.catalog).map((column) => unfilledFinding(column, facts)),
  explanations: {
    column_without_default: {
      title: 'a required column has no default, and chatkeep does not fill it',
      severities: ['error'],
      meaning: `The column is NOT NULL, has no default, and is unknown to chatkeep. Messages, or clients for guests,
        cannot be inserted: saving fails, or guests stay without a client.`,
      cause: 'The application added a required column, or a restore lost the default of an id (its sequence).',
      remedy: `Give the column a default or make it nullable: ALTER TABLE … ALTER COLUMN … SET DEFAULT …. For an id,
        set DEFAULT nextval('…') with its sequence.`,
    },
  },
}

const unfilledFinding = (column: CatalogColumn, { schema }: Facts): Finding<Code> =>
  finding('error', 'column_without_default', {
    object: columnName(column),
    expected: 'nullable or with a default, because chatkeep does not fill it',
    actual: `${column.type}, NOT NULL without default`,
    help: optionalColumn(schema, column.table, column.column),
  })
