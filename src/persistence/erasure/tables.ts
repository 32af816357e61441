import { readColumns } from '../../database/catalog.js'
import type { Queryable } from '../../database/connection.js'
import { SchemaNotReady } from '../errors.js'
import { readKeyGuard, type KeyGuard } from '../keys/key-guard.js'
import { namesIn, type Names } from '../sql-names.js'

/** The chat's tables as they are, also after a rollback, which drops the columns of guests. */
export interface ErasureTables {
  readonly schema: string
  readonly names: Names
  /** Columns of "ChatMessage". */
  readonly columns: ReadonlySet<string>
  /** `table` where "ChatMessage" is partitioned: its keys are in a table of their own. */
  readonly keyGuard: KeyGuard
}

/** @throws SchemaNotReady where there are no tables of a chat */
export const readErasureTables = async (client: Queryable, schema: string): Promise<ErasureTables> => {
  const names = namesIn(schema)
  const found = await readColumns(client, schema, ['ChatMessage', 'Client'])
  const columnsOf = (table: string): readonly string[] =>
    found.filter((one) => one.table === table).map(({ column }) => column)
  for (const table of ['ChatMessage', 'Client'])
    if (columnsOf(table).length === 0) throw new SchemaNotReady(`there is no table "${table}"`, undefined)
  return { schema, names, columns: new Set(columnsOf('ChatMessage')), keyGuard: await readKeyGuard(client, names) }
}
