import type { Queryable } from '../../database/connection.js'
import { refuseHiddenRows } from '../access/hidden-rows.js'
import { checkPrivileges, type TableNeed } from './privileges.js'
import { readErasureTables, type ErasureTables } from './tables.js'

/** What work needs of the tables, and what it is, after `the role cannot`. */
export interface ErasureNeeds {
  readonly what: string
  readonly needs: (tables: ErasureTables) => readonly TableNeed[]
}

/**
 * Finds the tables, and checks that this role may do the work and sees every row.
 * @throws OperatorError `privilege_missing`, `insufficient_privilege`; SchemaNotReady where there are no tables of a chat
 */
export const openErasureTables = async (
  client: Queryable,
  schema: string,
  { what, needs }: ErasureNeeds,
): Promise<ErasureTables> => {
  const tables = await readErasureTables(client, schema)
  await checkPrivileges(client, needs(tables), what)
  await refuseHiddenRows(client, schema)
  return tables
}
