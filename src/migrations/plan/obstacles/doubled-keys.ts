import type { Queryable } from '../../../database/connection.js'
import { qualified } from '../../../database/identifier.js'
import { sql, type NextStep } from '../../../next-step.js'
import { findColumn } from '../../../persistence/shape.js'
import type { MigrationState } from '../../ledger/migration-state.js'
import type { Obstacle } from '../obstacle.js'
import type { PlannedStep } from '../plan.js'

/** The FROM of a query for idempotency keys with more than one message. It reads the whole table. */
export const fromDoubledKeys = (schema: string): string =>
  `FROM ${qualified(schema, 'ChatMessage')} WHERE "idempotencyKey" IS NOT NULL GROUP BY "idempotencyKey" HAVING count(*) > 1`

/** How to make the keys unique again: a later message goes on without its key. */
export const singleKeys = (schema: string): readonly NextStep[] => {
  const table = qualified(schema, 'ChatMessage')
  const earlier = `SELECT FROM ${table} AS e WHERE e."idempotencyKey" = m."idempotencyKey" AND (e."createdAt", e."id") < (m."createdAt", m."id")`
  return [
    sql(`SELECT "idempotencyKey", array_agg("id") ${fromDoubledKeys(schema)}`, 'see them'),
    sql(`UPDATE ${table} AS m SET "idempotencyKey" = NULL WHERE EXISTS (${earlier})`, 'let the oldest keep the key'),
  ]
}

const INDEX_MIGRATION = 'index-idempotency-key'

/** A build of the unique index would fail at its end and leave it INVALID. */
export const readDoubledKeys = async (
  client: Queryable,
  schema: string,
  { catalog }: Pick<MigrationState, 'catalog'>,
  steps: readonly PlannedStep[],
): Promise<readonly Obstacle[]> => {
  const builds = steps.some(({ file, action }) => file.name === INDEX_MIGRATION && action !== 'record')
  if (!builds || findColumn(catalog, 'ChatMessage', 'idempotencyKey') === undefined) return []
  const { rows } = await client.query(`SELECT ${fromDoubledKeys(schema)} LIMIT 1`)
  return rows.length === 0
    ? []
    : [
        {
          code: 'doubled_idempotency_keys',
          effect: 'refused',
          text: 'several messages have the same idempotency key, so the unique index cannot be built',
          next: singleKeys(schema),
        },
      ]
}
