import { EFFECTS } from '../../../migrations/ledger/effects.js'
import { hasKeyTable } from '../../../migrations/partitions/key-table.js'
import { isPartitioned } from '../../../migrations/partitions/partitions.js'
import { presenceOf } from '../../../migrations/ledger/presence.js'
import type { RowCheck } from '../../check.js'
import type { Facts } from '../../facts/facts.js'
import { countAndSample } from '../../row-query.js'
import { countFindings } from './count-findings.js'
import { chatkeep } from '../../../next-step.js'
import { fromDoubledKeys, singleKeys } from '../../../migrations/plan/obstacles/doubled-keys.js'

/** Do several messages have the same idempotency key? Queried only without what keeps keys unique: it reads the whole table. */
export const doubledKeys: RowCheck<'doubled_idempotency_keys'> = {
  name: 'doubled-keys',
  expectations: ['migrated'],
  needs: { ChatMessage: ['id', 'idempotencyKey'] },
  object: 'idempotency keys with more than one message',
  severity: 'error',
  query: (facts) =>
    keepsKeysUnique(facts) ? undefined : countAndSample(`SELECT max("id") AS "id" ${fromDoubledKeys(facts.schema)}`),
  findings: (result, facts) => {
    return countFindings(
      doubledKeys,
      'doubled_idempotency_keys',
      result,
      [...singleKeys(facts.schema), chatkeep('migrate')],
      (count) => `${count}, so the unique index cannot be built`,
    )
  },
  explanations: {
    doubled_idempotency_keys: {
      title: 'several messages have the same idempotency key',
      severities: ['error'],
      meaning: `A key identifies one message forever: a sender that repeats it gets the answer of the first message.
        If two messages have the same key, one was stored twice, and the unique index that prevents this cannot be
        built.`,
      cause: 'The unique index was missing or INVALID for some time, and messages were sent again.',
      remedy: `List the keys with the query in the finding. Keep one message for each key; set the key of the others
        to NULL, or delete them. Then run chatkeep migrate.`,
    },
  },
}

// The index of a partitioned table is an ordinary one.
const keepsKeysUnique = ({ catalog, own }: Facts): boolean =>
  isPartitioned(catalog) ? hasKeyTable(own) : hasUniqueKey(catalog)

const hasUniqueKey = (catalog: Facts['catalog']): boolean =>
  EFFECTS.some(
    ({ migration, effect }) => migration === 'index-idempotency-key' && presenceOf(effect, catalog).state === 'present',
  )
