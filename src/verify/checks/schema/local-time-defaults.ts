import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { columnName, findColumn, plainType } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { finding } from '../../finding.js'
import { sql } from '../../../next-step.js'

const TABLES = ['ChatMessage', 'Client'] as const
const COLUMN = 'createdAt'

/** Do inserts that omit the time get it in UTC, as the store and Prisma write it? */
export const localTimeDefaults: FactCheck<'local_time_default'> = {
  name: 'local-time-defaults',
  expectations: ALWAYS,
  needs: { ChatMessage: [], Client: [] },
  findings: ({ catalog, integrity: { defaults }, server: { timeZone }, schema }) => {
    if (timeZone.isUtc) return []
    return TABLES.filter((table) => {
      const type = findColumn(catalog, table, COLUMN)?.type ?? ''
      const found = defaults.find((one) => one.table === table && one.column === COLUMN)
      return plainType(type) === 'timestamp without time zone' && SESSION_TIME.test(found?.expression ?? '')
    }).map((table) =>
      finding('note', 'local_time_default', {
        object: columnName({ table, column: COLUMN }),
        expected: 'UTC when an insert omits it',
        actual: `the session's local time, ${timeZone.value} for new sessions`,
        help: sql([
          `ALTER TABLE ${qualified(schema, table)} ALTER COLUMN ${escapeIdentifier(COLUMN)} SET DEFAULT (now() AT TIME ZONE 'UTC')`,
        ]),
      }),
    )
  },
  explanations: {
    local_time_default: {
      title: 'a default gives local time where UTC is stored',
      severities: ['note'],
      meaning: `"createdAt" has no time zone and holds UTC: chatkeep and Prisma write it themselves. An insert that omits it,
        such as plain SQL, Knex or Drizzle's defaultNow(), gets the session's local time instead. Its message stands hours before
        or after its neighbours, and a reader who polls with a cursor may never see it.`,
      cause: `DEFAULT CURRENT_TIMESTAMP, with a server, database or role whose TimeZone is not UTC.`,
      remedy: `Run the ALTER TABLE … SET DEFAULT in the finding, which changes only the catalog, or set the zone of new sessions
        with ALTER DATABASE … SET timezone = 'UTC'. With Prisma, write @default(dbgenerated("(now() AT TIME ZONE 'UTC')")), or
        leave it: its own inserts are right. Rows that are there keep their times.`,
    },
  },
}

/** The time in the session's zone. `now() AT TIME ZONE 'UTC'` is not, nor is the function that it stands for. */
const SESSION_TIME =
  /^\(?(?:CURRENT_TIMESTAMP|LOCALTIMESTAMP|(?:now|transaction_timestamp|statement_timestamp|clock_timestamp)\(\))(?!.*AT TIME ZONE)/i
