import { qualified } from '../../../database/identifier.js'
import { WHITE_SPACE } from '../../../persistence/sql-names.js'
import type { RowCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'
import { newestRows } from './newest-rows.js'
import { sql } from '../../../next-step.js'

/** How many of the newest clients are checked: checking all would read the whole table. */
const SAMPLE = 10_000

/** Are the usernames of clients stored as guests' names are normalised? If not, a guest gets a second client. */
export const normalUsernames: RowCheck<'usernames_not_normal'> = {
  name: 'normal-usernames',
  expectations: ['migrated'],
  needs: { Client: ['id', 'username'] },
  skips: ({ server: { encoding } }) =>
    encoding === 'UTF8' ? undefined : `the server normalises UTF8 only, not ${encoding}`,
  object: 'clients whose usernames have outer white space or are not in Unicode NFC',
  severity: 'warning',
  query: (facts) => (facts.server.encoding === 'UTF8' ? countAndSample(selectAbnormal(facts)) : undefined),
  findings: (result, facts) => {
    const table = qualified(facts.schema, 'Client')
    const free = `NOT EXISTS (SELECT FROM ${table} AS other WHERE other."username" = btrim(normalize(c."username"), ${WHITE_SPACE}))`
    const help = sql(`UPDATE ${table} AS c SET "username" = ${NORMAL} WHERE "username" <> ${NORMAL} AND ${free}`)
    const describe = (count: number): string => `${count} among the newest ${SAMPLE.toLocaleString('en-US')} clients`
    return countFindings(normalUsernames, 'usernames_not_normal', result, help, describe)
  },
  explanations: {
    usernames_not_normal: {
      title: 'usernames of clients are stored in a form that no guest can enter',
      severities: ['warning'],
      meaning: `chatkeep trims white space around a guest's name and normalises it to Unicode NFC. A username stored
        in another form looks the same but is never found: the guest gets a second client, and the guest's history is
        split.`,
      cause: 'An import, or a program that stores names as they were typed.',
      remedy: `Run the UPDATE in the finding. If a normalised name is already taken, the two clients are one person:
        merge them, then run chatkeep reconcile.`,
    },
  },
}

const NORMAL = `btrim(normalize("username"), ${WHITE_SPACE})`

const selectAbnormal = ({ schema }: Facts): string => `
      SELECT "id"
      FROM (${newestRows('"id", "username"', qualified(schema, 'Client'), SAMPLE)}) AS c
      WHERE "username" <> ${NORMAL}`
