import { count } from '../../terminal/render.js'
import type { OwnClient } from '../own/own-client.js'
import { failureInFile } from './run-statements.js'
import { migrationTitle, runsInTransaction, type MigrationFile } from '../ledger/migration-files.js'

/** Describes the database after a failed step in one sentence. Looks for INVALID indexes after a concurrent build. */
export const stateAfterFailure = async (
  client: OwnClient,
  error: unknown,
  file: Pick<MigrationFile, 'sql'>,
  done: readonly { readonly id: number; readonly name: string }[],
): Promise<string> => {
  const before =
    done.length === 0 ? 'nothing was changed before it' : `done before it: ${done.map(migrationTitle).join(', ')}`
  const left = runsInTransaction(file) ? [] : [...committedBefore(error), ...(await invalidIndexes(client))]
  const nothing = runsInTransaction(file) ? 'this migration was rolled back' : 'this migration left nothing behind'
  const itself = left.length === 0 ? nothing : left.join('; ')
  return `state: ${itself}; ${before}; nothing after it was run`
}

// The next run begins the file anew.
const committedBefore = (error: unknown): readonly string[] => {
  const done = failureInFile(error)?.done ?? 0
  return done === 0 ? [] : [`${count(done, 'statement')} of this migration took effect before it, and will run again`]
}

const SELECT_INVALID_INDEXES = `
  SELECT i.relname AS "name", i.relkind = 'I' AS "partitioned"
  FROM pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
  WHERE x.indrelid IN (to_regclass($1), to_regclass($2)) AND NOT x.indisvalid
  ORDER BY i.relname`

const invalidIndexes = async (client: OwnClient): Promise<readonly string[]> => {
  try {
    const { message, client: clients } = client.own
    const { rows } = await client.query<{ name: string; partitioned: boolean }>(SELECT_INVALID_INDEXES, [
      message,
      clients,
    ])
    const [broken, begun] = [rows.filter((row) => !row.partitioned), rows.filter((row) => row.partitioned)]
    return [
      ...(broken.length === 0 ? [] : [`${named(broken)} is INVALID; the next migrate drops and rebuilds it`]),
      ...(begun.length === 0 ? [] : [`${named(begun)} is not on every partition; the next migrate continues`]),
    ]
  } catch {
    // The connection is lost.
    return ['an index may be INVALID; the next migrate drops and rebuilds it']
  }
}

const named = (rows: readonly { readonly name: string }[]): string => rows.map(({ name }) => `"${name}"`).join(', ')
