import { qualified } from '../../../database/identifier.js'
import type { DataCheck } from '../../check.js'
import { hasColumns } from '../../facts/facts.js'
import { countAndSample } from '../../question.js'
import { rowsFound } from './rows-found.js'

/** How many messages are looked at: the newest. No index knows the mark. */
const SAMPLE = 10_000

/** Does every message that is marked as an unverified guest's name that guest? */
export const unverifiedWithoutGuest: DataCheck = {
  name: 'unverified-without-guest',
  expectations: ['migrated'],
  object: "messages marked as an unverified guest's that name no guest",
  severity: 'warning',
  question: (facts) =>
    hasColumns(facts, 'ChatMessage', ['id', 'guestUsername', 'guestUnverified'])
      ? countAndSample(`
      SELECT "id"
      FROM (
        SELECT "id", "guestUsername", "guestUnverified"
        FROM ${qualified(facts.schema, 'ChatMessage')} ORDER BY "id" DESC LIMIT ${SAMPLE}
      ) AS m
      WHERE "guestUnverified" AND "guestUsername" IS NULL`)
      : undefined,
  findings: (answer, { schema }) => {
    const help = `SELECT "id", "clientId", "createdAt" FROM ${qualified(schema, 'ChatMessage')} WHERE "guestUnverified" AND "guestUsername" IS NULL ORDER BY "id" DESC LIMIT 100`
    return rowsFound(
      unverifiedWithoutGuest,
      'unverified_without_guest',
      answer,
      help,
      (count) => `${count}, among the newest ${SAMPLE.toLocaleString('en-US')} messages`,
    )
  },
}
