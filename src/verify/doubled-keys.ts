import { qualified } from '../database/identifier.js'
import { EFFECTS } from '../migrations/effects.js'
import { presenceOf } from '../migrations/presence.js'
import type { DataCheck } from './check.js'
import { hasColumns, type Facts } from './facts.js'
import { countAndSample } from './question.js'

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
    const [count = 0] = answer?.counts ?? []
    if (answer === undefined || count === 0) return []
    const { object, severity } = doubledKeys
    const actual = `${count}, so that their unique index cannot be built`
    const help = `decide which message keeps the key: SELECT "idempotencyKey", array_agg("id") ${fromDoubledKeys(facts).replaceAll(/\s+/g, ' ')}`
    return [{ code: 'doubled_idempotency_keys', severity, object, expected: '0', actual, sample: answer.sample, help }]
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
