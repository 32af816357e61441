import type { OwnClient } from '../own/own-client.js'
import { migrationTitle, runsInTransaction, type MigrationFile } from '../ledger/migration-files.js'

/** Describes the database after a failed step in one sentence. Looks for INVALID indexes after a concurrent build. */
export const stateAfterFailure = async (
  client: OwnClient,
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
  WHERE x.indrelid IN (to_regclass($1), to_regclass($2)) AND NOT x.indisvalid
  ORDER BY i.relname`

const describeInvalidIndexes = async (client: OwnClient): Promise<string> => {
  try {
    const { message, client: clients } = client.own
    const { rows } = await client.query<{ name: string }>(SELECT_INVALID_INDEXES, [message, clients])
    if (rows.length === 0) return 'this migration left nothing behind'
    return `${rows.map(({ name }) => `"${name}"`).join(', ')} is INVALID; the next migrate drops and rebuilds it`
  } catch {
    // The connection is lost.
    return 'an index may be INVALID; the next migrate drops and rebuilds it'
  }
}
