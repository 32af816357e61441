import { quoted } from '../../database/identifier.js'
import type { Names } from '../../persistence/sql-names.js'

/** SQL for the oids of the tables of the chat; NULL for one that is missing. */
const oidsOf = ({ message, client, user }: Names): string =>
  [message, client, user].map((table) => `to_regclass(${quoted(table)})`).join(', ')

/** SQL for the tables of the chat, as rows of pg_class. */
export const chatTables = (names: Names): string =>
  `(SELECT c.* FROM pg_catalog.pg_class AS c WHERE c.oid IN (${oidsOf(names)}))`

/** SQL that aggregates over the partitions of a table or an index; of an ordinary one, its own value. */
export const overPartitions = (aggregate: 'sum' | 'max', value: (oid: string) => string, oid = 't.oid'): string =>
  `coalesce((SELECT ${aggregate}(${value('p.relid')}) FROM pg_catalog.pg_partition_tree(${oid}) AS p WHERE p.isleaf), ${value(oid)})`

/** SQL for the rows of a table or an index, as the last VACUUM or ANALYZE left them. */
export const estimatedRows = (oid: string): string =>
  `(SELECT greatest(e.reltuples, 0) FROM pg_catalog.pg_class AS e WHERE e.oid = ${oid})`
