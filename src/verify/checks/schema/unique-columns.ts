import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName, findColumn, isUnique, isUniqueWithTime, UNIQUE_COLUMNS } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding, type Finding } from '../../finding.js'
import { sql } from '../../../next-step.js'

/** Are the columns unique that identify a message or a client? "One client per guest" depends on it. */
export const uniqueColumns: FactCheck<'unique_index_missing'> = {
  name: 'unique-columns',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [] },
  findings: ({ catalog, schema }) =>
    UNIQUE_COLUMNS.filter(
      ([table, column]) =>
        findColumn(catalog, table, column) !== undefined &&
        !isUnique(catalog, table, column) &&
        !isUniqueWithTime(catalog, table, column),
    ).map(([table, column]) =>
      finding('error', 'unique_index_missing', {
        object: columnName({ table, column }),
        ...wanted(qualified(schema, table), column, catalog.partitioned.includes(table)),
        actual: 'not unique',
      }),
    ),
  explanations: {
    unique_index_missing: {
      title: 'ids, usernames or phones are not unique',
      severities: ['error'],
      meaning: `chatkeep relies on the unique indexes on "Client"."username" (one client per guest) and
        "Client"."phone" (one client per phone). Without them, two simultaneous first messages of a guest create two
        clients, and the guest's history is split. Without a primary key, every look-up by id reads the whole table.`,
      cause: `The index was dropped, is INVALID, or does not cover the column alone and in all rows (it has a WHERE
        clause or more columns). Or a restore left out the section post-data, which has the application's other indexes
        and its foreign keys, too.`,
      remedy: `After a restore, restore the section post-data first. Otherwise run the statement in the finding. If it
        fails, there are duplicates: merge those clients first. On a partitioned "ChatMessage" it locks the table while
        it reads it.`,
    },
  },
}

// A unique index of a partitioned table has to contain the partition key, and cannot be built CONCURRENTLY.
const wanted = (table: string, column: string, isPartitioned: boolean): Pick<Finding, 'expected' | 'help'> =>
  isPartitioned
    ? {
        expected: 'a primary key of this column and the partition key',
        help: sql(`ALTER TABLE ${table} ADD PRIMARY KEY (${escapeIdentifier(column)}, "createdAt")`),
      }
    : {
        expected: 'a valid unique index on this column alone',
        help: sql(`CREATE UNIQUE INDEX CONCURRENTLY ON ${table} (${escapeIdentifier(column)})`),
      }
