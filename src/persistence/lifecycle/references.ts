import type { Queryable } from '../../database/connection.js'
import { escapeIdentifier, qualified } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { keptRows } from '../erasure/kept-rows.js'

/** A column of another table of the application's that refers to clients. */
export interface ClientReference {
  readonly schema: string
  readonly table: string
  readonly column: string
}

// Of a partitioned table only the constraint of the whole, which the partitions inherit.
const SELECT_REFERENCES = `
  SELECT n.nspname AS "schema", t.relname AS "table", a.attname AS "column"
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
  JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
  JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute AS r ON r.attrelid = c.oid AND r.attname = 'id' AND r.attnum = ANY (k.confkey)
  JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid = t.oid AND a.attnum = k.conkey[pg_catalog.array_position(k.confkey, r.attnum)]
  WHERE k.contype = 'f' AND k.conparentid = 0 AND s.nspname = $1 AND c.relname = 'Client'
    AND NOT (n.nspname = $1 AND t.relname = 'ChatMessage')
  ORDER BY n.nspname, t.relname, a.attname`

/** The foreign keys of other tables to clients. */
export const readReferences = async (client: Queryable, schema: string): Promise<readonly ClientReference[]> => {
  const { rows } = await client.query<ClientReference>(SELECT_REFERENCES, [schema])
  return rows
}

/** Those of which a row refers to this client. */
export const referencesTo = async (
  client: Queryable,
  references: readonly ClientReference[],
  clientId: number,
): Promise<readonly ClientReference[]> => {
  const found: ClientReference[] = []
  for (const reference of references) if (await isReferred(client, reference, clientId)) found.push(reference)
  return found
}

const isReferred = async (client: Queryable, reference: ClientReference, clientId: number): Promise<boolean> => {
  const { isThere } = onlyRow(
    await client.query<{ isThere: boolean }>(
      `SELECT EXISTS (SELECT FROM ${tableOf(reference)} WHERE ${escapeIdentifier(reference.column)} = $1::bigint) AS "isThere"`,
      [clientId],
    ),
  )
  return isThere
}

/** Makes the rows that refer to one client refer to another. @returns how many */
export const moveReference = async (
  client: Queryable,
  reference: ClientReference,
  from: number,
  into: number,
): Promise<number> => {
  const [table, column] = [tableOf(reference), escapeIdentifier(reference.column)]
  const { rowCount } = await client.query(`UPDATE ${table} SET ${column} = $2::bigint WHERE ${column} = $1::bigint`, [
    from,
    into,
  ])
  if (await isReferred(client, reference, from))
    throw await keptRows(client, { table, event: 'UPDATE', what: `references to client ${from} are` })
  return rowCount ?? 0
}

const tableOf = ({ schema, table }: ClientReference): string => qualified(schema, table)

/** `"Order"."clientId"`, with the schema where it is another. */
export const referenceName = (reference: ClientReference, schema: string): string =>
  `${reference.schema === schema ? escapeIdentifier(reference.table) : tableOf(reference)}.${escapeIdentifier(reference.column)}`
