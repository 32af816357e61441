import { qualified } from '../../../database/identifier.js'
import type { RowCheck } from '../../check.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'
import { sql } from '../../../next-step.js'

/** How many of the newest messages are checked: no index covers the mark. */
const SAMPLE = 10_000

/** Does every message that is marked as unverified have a guest name? */
export const unverifiedWithoutGuest: RowCheck<'unverified_without_guest'> = {
  name: 'unverified-without-guest',
  expectations: ['migrated'],
  needs: { ChatMessage: ['id', 'createdAt', 'guestUsername', 'guestUnverified'] },
  object: 'messages marked as unverified that have no guest name',
  severity: 'warning',
  query: (facts) =>
    countAndSample(`
      SELECT "id"
      FROM (
        SELECT "id", "guestUsername", "guestUnverified"
        FROM ${qualified(facts.schema, 'ChatMessage')} ORDER BY "createdAt" DESC NULLS LAST LIMIT ${SAMPLE}
      ) AS m
      WHERE "guestUnverified" AND "guestUsername" IS NULL`),
  findings: (result, { schema }) => {
    const table = qualified(schema, 'ChatMessage')
    const wrong = '"guestUnverified" AND "guestUsername" IS NULL'
    const help = [
      sql(
        `SELECT "id", "clientId", "createdAt" FROM ${table} WHERE ${wrong} ORDER BY "createdAt" DESC LIMIT 100`,
        'see them',
      ),
      sql(`UPDATE ${table} SET "guestUnverified" = false WHERE ${wrong}`, 'without a name there is nothing to verify'),
    ]
    return countFindings(
      unverifiedWithoutGuest,
      'unverified_without_guest',
      result,
      help,
      (count) => `${count} among the newest ${SAMPLE.toLocaleString('en-US')} messages`,
    )
  },
  explanations: {
    unverified_without_guest: {
      title: 'messages are marked as unverified but have no guest name',
      severities: ['warning'],
      meaning: `The mark means: written under the name of a client, without proof. Without "guestUsername" there is
        no such name, so the mark is wrong or the name was lost. Only the newest messages are checked.`,
      cause: 'Another program set the mark or removed the name.',
      remedy: 'Check the rows in the finding. Set "guestUnverified" to false where the sender is known.',
    },
  },
}
