import { qualified } from '../../../database/identifier.js'
import { EFFECTS } from '../../../migrations/ledger/effects.js'
import { presenceOf } from '../../../migrations/ledger/presence.js'
import type { DataCheck } from '../../check.js'
import { hasColumns, type Facts } from '../../facts/facts.js'
import { countAndSample } from '../../question.js'
import { rowsFound } from './rows-found.js'

/** Has an idempotency key more than one message? Only asked where no unique index answers, since it reads the whole table. */
export const doubledKeys: DataCheck = {
  name: 'doubled-keys',
  expectations: ['migrated'],
  object: 'idempotency keys with more than one message',
  severity: 'error',
  question: (facts) => {
    if (!hasColumns(facts, 'ChatMessage', ['id', 'idempotencyKey']) || hasUniqueKey(facts)) return undefined
    return countAndSample(`
      SELECT max("id") AS "id"
      ${fromDoubledKeys(facts)}`)
  },
  findings: (answer, facts) => {
    const help = `decide which message keeps the key: SELECT "idempotencyKey", array_agg("id") ${fromDoubledKeys(facts).replaceAll(/\s+/g, ' ')}`
    return rowsFound(
      doubledKeys,
      'doubled_idempotency_keys',
      answer,
      help,
      (count) => `${count}, so that their unique index cannot be built`,
    )
  },
}

const hasUniqueKey = ({ catalog }: Facts): boolean =>
  EFFECTS.some(
    ({ migration, effect }) => migration === 'index-idempotency-key' && presenceOf(effect, catalog).state === 'present',
  )

const fromDoubledKeys = ({ schema }: Facts): string => `FROM ${qualified(schema, 'ChatMessage')}
      WHERE "idempotencyKey" IS NOT NULL
      GROUP BY "idempotencyKey"
      HAVING count(*) > 1`
