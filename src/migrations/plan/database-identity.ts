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

/** The OID of the database, as an SQL expression. */
export const DATABASE_OID = '(SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())'

/** Whether this role may run `SELECT_SYSTEM`, as an SQL expression. */
export const MAY_READ_SYSTEM = `pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')`

export const SELECT_SYSTEM = 'SELECT system_identifier::text FROM pg_catalog.pg_control_system()'

const SELECT_DATABASE = `SELECT ${DATABASE_OID}::text AS "database", ${MAY_READ_SYSTEM} AS "maySee"`

export const readDatabaseIdentity = async (client: Queryable, schema: string): Promise<DatabaseIdentity> => {
  const { database, maySee } = onlyRow(await client.query<{ database: string; maySee: boolean }>(SELECT_DATABASE))
  const system = maySee
    ? onlyRow(await client.query<{ system_identifier: string }>(SELECT_SYSTEM)).system_identifier
    : null
  return { system, database, schema }
}
