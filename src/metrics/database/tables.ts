import { quoted } from '../../database/identifier.js'
import type { Names } from '../../persistence/sql-names.js'

/** SQL for the oids of the tables of the chat; NULL for one that is missing. */
const oidsOf = ({ message, client, user }: Names): string =>
  [message, client, user].map((table) => `to_regclass(${quoted(table)})`).join(', ')

/** SQL for the tables of the chat, as rows of pg_class. */
export const chatTables = (names: Names): string =>
  `(SELECT c.* FROM pg_catalog.pg_class AS c WHERE c.oid IN (${oidsOf(names)}))`
