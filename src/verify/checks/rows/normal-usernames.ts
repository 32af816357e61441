import { qualified } from '../../../database/identifier.js'
import type { DataCheck } from '../../check.js'
import { hasColumns, type Facts } from '../../facts/facts.js'
import { countAndSample } from '../../question.js'
import { rowsFound } from './rows-found.js'

/** How many clients are looked at: the newest. All of them would be a whole table to read at 3 a.m. */
const SAMPLE = 10_000

/** What JavaScript's `trim` takes away, which is what the core does to a guest's name. */
const WHITE_SPACE = String.raw`E'\t\n\u000b\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff'`

/** Can guests write the names of clients as these are stored? Where not, a guest gets a second client. */
export const normalUsernames: DataCheck = {
  name: 'normal-usernames',
  expectations: ['migrated'],
  object: 'clients whose names have outer white space or are not in Unicode form NFC',
  severity: 'warning',
  question: (facts) =>
    hasColumns(facts, 'Client', ['id', 'username']) && facts.surroundings.encoding === 'UTF8'
      ? countAndSample(selectAbnormal(facts))
      : undefined,
  findings: (answer, facts) => {
    const ids = answer?.sample.join(', ') ?? ''
    const help = `UPDATE ${qualified(facts.schema, 'Client')} SET "username" = ${NORMAL} WHERE "id" IN (${ids})`
    const describe = (count: number): string => `${count}, among the newest ${SAMPLE.toLocaleString('en-US')} clients`
    return rowsFound(normalUsernames, 'usernames_not_normal', answer, help, describe)
  },
}

const NORMAL = `btrim(normalize("username"), ${WHITE_SPACE})`

const selectAbnormal = ({ schema }: Facts): string => `
      SELECT "id"
      FROM (SELECT "id", "username" FROM ${qualified(schema, 'Client')} ORDER BY "id" DESC LIMIT ${SAMPLE}) AS c
      WHERE "username" <> ${NORMAL}`
