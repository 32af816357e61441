import type { Queryable } from '../../database/connection.js'
import { inTransaction } from '../../database/transaction.js'
import type { MigrationFile } from './migration-files.js'

/**
 * Creates the table `migrations` with its row 0 in our schema, exactly as postgres-migrations would. The library itself
 * would skip this when another schema has a table of that name.
 */
export const createHistory = async (client: Queryable, [first]: readonly MigrationFile[]): Promise<void> => {
  if (first === undefined) return
  await inTransaction(client, async () => {
    await client.query(first.sql)
    await client.query('INSERT INTO "migrations" ("id", "name", "hash") VALUES ($1, $2, $3)', [
      first.id,
      first.name,
      first.hash,
    ])
  })
}
