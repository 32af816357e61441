import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { ownNamesFor, type OwnNames } from '../../persistence/own-names.js'

/** A connection, and the names of chatkeep's own objects in its database. */
export interface OwnClient extends Queryable {
  readonly own: OwnNames
}

/** The session of a run that changes the database. */
export interface RunClient extends OwnClient {
  /**
   * Returns when all that was committed so far is as durable as the server promises. Outside of a transaction.
   * @throws OperatorError `commit_unconfirmed` when the wait for a standby was ended
   */
  readonly confirm: () => Promise<void>
}

/** @param schema the application's schema */
export const withOwnNames = (client: Queryable, schema: string): OwnClient => ({
  query: client.query.bind(client),
  own: ownNamesFor(schema),
})

// to_regclass would fail for a role without USAGE on the schema.
const SELECT_READABLE = `
  SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT')) AS "readable"`

/** Whether the table of runs is there and this role may read it. */
export const canReadRuns = async (client: OwnClient): Promise<boolean> =>
  onlyRow(await client.query<{ readable: boolean }>(SELECT_READABLE, [client.own.schema, 'runs'])).readable
