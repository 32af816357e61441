import { sql, type Next } from '../../next-step.js'
import { escapeIdentifier } from '../identifier.js'
import type { Queryable } from '../connection.js'
import { onlyRow } from '../rows.js'

/** A database, and the encoding of its text, such as `UTF8`. */
export interface DatabaseEncoding {
  readonly database: string
  readonly encoding: string
}

const SELECT_ENCODING = `
  SELECT pg_catalog.current_database()::text AS "database", pg_catalog.current_setting('server_encoding') AS "encoding"`

export const readEncoding = async (client: Queryable): Promise<DatabaseEncoding> =>
  onlyRow(await client.query<DatabaseEncoding>(SELECT_ENCODING))

/** What becomes of the characters of a text in a database: SQL_ASCII stores bytes and checks none. */
export const charactersIn = (encoding: string): 'kept' | 'some refused' | 'unchecked' => {
  if (encoding === 'UTF8') return 'kept'
  return encoding === 'SQL_ASCII' ? 'unchecked' : 'some refused'
}

/** What follows from an encoding that is not UTF8, in one clause. */
export const consequenceOf = (encoding: string): string =>
  charactersIn(encoding) === 'unchecked'
    ? 'the server checks no text: a row that another program wrote in another encoding cannot be read'
    : `messages and guests' names with a character that ${encoding} lacks are refused`

/** How to move a database to UTF8. */
export const moveToUtf8 = ({ database }: Pick<DatabaseEncoding, 'database'>): Next => {
  const target = escapeIdentifier(`${database}_utf8`)
  return [
    sql(`CREATE DATABASE ${target} ENCODING 'UTF8' TEMPLATE template0`, 'move to a database in UTF8'),
    'restore a dump of this database into it (docs/operations.md, "Moving to UTF8")',
    'connect the application and chatkeep to the new database',
  ]
}
