import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'

/** What tells one database from another of the same name. Physical copies of a server share it. */
export interface DatabaseIdentity {
  /** Of the server's data, from initdb; null where this role may not read it. */
  readonly system: string | null
  /** The database's OID. */
  readonly database: string
  readonly schema: string
}

const SELECT_DATABASE = `
  SELECT oid::text AS "database", has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS "maySee"
  FROM pg_catalog.pg_database
  WHERE datname = current_database()`

const SELECT_SYSTEM = 'SELECT system_identifier::text AS "system" FROM pg_catalog.pg_control_system()'

export const readDatabaseIdentity = async (client: Queryable, schema: string): Promise<DatabaseIdentity> => {
  const { database, maySee } = onlyRow(await client.query<{ database: string; maySee: boolean }>(SELECT_DATABASE))
  const system = maySee ? onlyRow(await client.query<{ system: string }>(SELECT_SYSTEM)).system : null
  return { system, database, schema }
}
