import type { Queryable } from '../../database/connection.js'

/** An index whose first column is the idempotency key. */
export interface KeyIndex {
  readonly name: string
  readonly unique: boolean
  readonly valid: boolean
  /** New rows are added to it. */
  readonly ready: boolean
  readonly partial: boolean
  /** Its constraint is checked at the end of a transaction. */
  readonly deferrable: boolean
  readonly columns: number
}

const SELECT_KEY_INDEXES = `
  SELECT n.relname AS "name",
    i.indisunique AS "unique",
    i.indisvalid AS "valid",
    i.indisready AND i.indislive AS "ready",
    i.indpred IS NOT NULL AS "partial",
    NOT i.indimmediate AS "deferrable",
    i.indnkeyatts::integer AS "columns"
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS n ON n.oid = i.indexrelid
  JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
  WHERE s.nspname = $1 AND c.relname = 'ChatMessage' AND a.attname = 'idempotencyKey'
  ORDER BY n.relname`

export const readKeyIndexes = async (client: Queryable, schema: string): Promise<readonly KeyIndex[]> => {
  const { rows } = await client.query<KeyIndex>(SELECT_KEY_INDEXES, [schema])
  return rows
}

/** Why no index prevents storing a message twice; undefined when one does, whatever its name. */
export const keyIndexTrouble = (indexes: readonly KeyIndex[]): string | undefined => {
  const troubles = indexes.map((index) => ({ index, reason: troubleOf(index) }))
  if (troubles.some(({ reason }) => reason === undefined)) return undefined
  const [first] = troubles
  if (first === undefined) return 'there is no unique index on "ChatMessage"."idempotencyKey"'
  return `the index "${first.index.name}" on "ChatMessage"."idempotencyKey" ${first.reason}`
}

const troubleOf = ({ unique, valid, ready, partial, deferrable, columns }: KeyIndex): string | undefined => {
  if (!unique) return 'is not unique'
  if (columns > 1) return 'has further columns'
  if (partial) return 'is partial'
  if (deferrable) return 'is deferrable'
  if (!ready) return 'is not ready: new rows are not in it'
  return valid ? undefined : 'is INVALID, or still being built'
}
