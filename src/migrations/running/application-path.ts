import { escapeLiteral } from 'pg'
import type { OwnClient } from '../own/own-client.js'

/**
 * Runs work with the application's schema in the search path: migration files name its tables without schema, and triggers
 * of the application, event triggers too, may find their own tables there, and functions of extensions in the schemas of the
 * role's own path. At all other times the path of our session is empty. SQL that runs here must leave the server no choice
 * between a function or operator of its own and one that somebody created in one of these schemas.
 * @param scope `transaction` inside one, which restores the path when it fails; `session` outside
 */
export const withApplicationPath = async <T>(
  client: OwnClient,
  scope: 'session' | 'transaction',
  work: () => Promise<T>,
): Promise<T> => {
  const set = scope === 'session' ? 'SET' : 'SET LOCAL'
  await client.query(setApplicationPath(client.own.application, scope))
  try {
    const result = await work()
    await client.query(`${set} search_path TO ''`)
    return result
  } catch (error) {
    if (scope === 'session') await client.query(`SET search_path TO ''`).catch(() => undefined)
    throw error
  }
}

/** The application's schema, then the path that the session began with: that of the role, the database or the URL. */
export const setApplicationPath = (application: string, scope: 'session' | 'transaction'): string =>
  `SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', ${escapeLiteral(application)}, NULLIF(s.reset_val, '')), ${scope === 'transaction'})
  FROM pg_catalog.pg_settings AS s WHERE s.name = 'search_path'`

/** Runs statements one by one in the caller's transaction, with the application's schema in the search path. */
export const runInApplicationPath = (client: OwnClient, statements: readonly string[]): Promise<void> =>
  withApplicationPath(client, 'transaction', async () => {
    for (const statement of statements) await client.query(statement)
  })
