import { readColumns } from '../../database/catalog.js'
import type { Queryable } from '../../database/connection.js'
import { SchemaNotReady } from '../errors.js'
import { readKeyGuard, type KeyGuard } from '../keys/key-guard.js'
import { CHANGED_MESSAGES, ownSchema, WANTED_CLIENTS } from '../own-names.js'
import { namesIn, type Names } from '../sql-names.js'

/** The chat's tables as they are, also after a rollback, which drops the columns of guests. */
export interface ErasureTables {
  readonly schema: string
  readonly names: Names
  /** Columns of "ChatMessage". */
  readonly columns: ReadonlySet<string>
  /** Whether "Client" says when each was created. */
  readonly hasCreatedAt: boolean
  /** `table` where "ChatMessage" is partitioned: its keys are in a table of their own. */
  readonly keyGuard: KeyGuard
  /** Tables of chatkeep's own schema that are there. */
  readonly own: ReadonlySet<string>
  /** Whether there is the archive of a rollback. */
  readonly hasArchive: boolean
  /** Whether the guest of an edited or deleted message can be found: an earlier version did not note them. */
  readonly hasGuestHash: boolean
  /** Of these tables about messages, those from which this role may delete: what is said of a message goes with it. */
  readonly forgettable: ReadonlySet<string>
}

/** @throws SchemaNotReady where there are no tables of a chat */
export const readErasureTables = async (client: Queryable, schema: string): Promise<ErasureTables> => {
  const names = namesIn(schema)
  const found = await readColumns(client, schema, ['ChatMessage', 'Client'])
  const columnsOf = (table: string): readonly string[] =>
    found.filter((one) => one.table === table).map(({ column }) => column)
  for (const table of ['ChatMessage', 'Client'])
    if (columnsOf(table).length === 0) throw new SchemaNotReady(`there is no table "${table}"`, undefined)
  const { rows: forgettable } = await client.query<{ name: string }>(SELECT_FORGETTABLE, [
    ownSchema(schema),
    ABOUT_MESSAGES,
  ])
  const changed = await readColumns(client, ownSchema(schema), [CHANGED_MESSAGES])
  const own = await readOwnTables(client, schema)
  return {
    ...{ schema, names, own, hasArchive: own.has('archive') },
    forgettable: new Set(forgettable.map(({ name }) => name)),
    hasGuestHash: changed.some(({ column }) => column === 'guestHash'),
    columns: new Set(columnsOf('ChatMessage')),
    hasCreatedAt: found.some(
      ({ table, column, type }) => table === 'Client' && column === 'createdAt' && type.startsWith('timestamp'),
    ),
    keyGuard: await readKeyGuard(client, names),
  }
}

/** Tables of what is said of single messages, by their keys. */
const ABOUT_MESSAGES = [WANTED_CLIENTS, CHANGED_MESSAGES]

const SELECT_FORGETTABLE = `
  SELECT c.relname::text AS "name"
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = ANY ($2::text[])
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'DELETE')`

const SELECT_THERE = `
  SELECT c.relname::text AS "name" FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')`

/** The tables of chatkeep's own schema that are there. @param schema the application's */
export const readOwnTables = async (client: Queryable, schema: string): Promise<ReadonlySet<string>> => {
  const { rows } = await client.query<{ name: string }>(SELECT_THERE, [ownSchema(schema)])
  return new Set(rows.map(({ name }) => name))
}
