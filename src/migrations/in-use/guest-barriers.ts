import type { Queryable } from '../../database/connection.js'
import { qualified, escapeIdentifier } from '../../database/identifier.js'
import { CLIENT_GUARD } from '../../persistence/errors.js'

/** A CHECK constraint of the application that rejects every message without a client. */
export interface GuestBarrier {
  readonly name: string
  readonly expression: string
  /** The statement that removes it. */
  readonly wayOut: string
}

// The constraint of a rollback has its own finding. Before PostgreSQL 18 there is no "conenforced".
const SELECT_CHECKS = `
  SELECT k.conname AS "name", pg_catalog.pg_get_expr(k.conbin, k.conrelid) AS "expression"
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = 'ChatMessage' AND k.contype = 'c' AND k.conname <> $2
    AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
  ORDER BY k.conname`

export const readGuestBarriers = async (client: Queryable, schema: string): Promise<readonly GuestBarrier[]> => {
  const { rows } = await client.query<Omit<GuestBarrier, 'wayOut'>>(SELECT_CHECKS, [schema, CLIENT_GUARD])
  return rows
    .filter(({ expression }) => wantsClient(expression))
    .map((check) => ({
      ...check,
      wayOut: `ALTER TABLE ${qualified(schema, 'ChatMessage')} DROP CONSTRAINT ${escapeIdentifier(check.name)}`,
    }))
}

/**
 * Whether an expression, as `pg_get_expr` writes it, is false or one of its conjuncts is for every row without a client. It is
 * not evaluated, because it may call functions of anybody; other forms show in the probe.
 */
export const wantsClient = (expression: string): boolean =>
  !/\b(?:OR|CASE|NOT \()\b/.test(expression.replaceAll(/'(?:[^']|'')*'|"(?!clientId")(?:[^"]|"")*"/g, 'x')) &&
  expression
    .split(' AND ')
    .map((part) => part.replaceAll(/^\(+|\)+$/g, ''))
    .includes('"clientId" IS NOT NULL')
