import type { Queryable } from '../../database/connection.js'
import { migrationTitle, runsInTransaction, type MigrationFile } from '../ledger/migration-files.js'

/** What a failed step leaves behind, in a sentence. Looks, where that can be known only by looking. */
export const stateAfterFailure = async (
  client: Queryable,
  file: Pick<MigrationFile, 'sql'>,
  done: readonly { readonly id: number; readonly name: string }[],
): Promise<string> => {
  const before =
    done.length === 0 ? 'nothing was changed before it' : `done before it: ${done.map(migrationTitle).join(', ')}`
  const itself = runsInTransaction(file) ? 'this migration was rolled back' : await describeInvalidIndexes(client)
  return `state: ${itself}; ${before}; nothing after it was run`
}

const SELECT_INVALID_INDEXES = `
  SELECT i.relname AS "name"
  FROM pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
  WHERE x.indrelid = to_regclass('"ChatMessage"') AND NOT x.indisvalid
  ORDER BY i.relname`

const describeInvalidIndexes = async (client: Queryable): Promise<string> => {
  try {
    const { rows } = await client.query<{ name: string }>(SELECT_INVALID_INDEXES)
    if (rows.length === 0) return 'nothing of this migration is left'
    return `${rows.map(({ name }) => `"${name}"`).join(', ')} is left INVALID; the next migrate drops it and builds it again`
  } catch {
    // The connection is gone, so nobody can look.
    return 'an index may be left INVALID; then the next migrate drops it and builds it again'
  }
}
