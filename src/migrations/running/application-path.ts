import type { OwnClient } from '../own/own-client.js'

/**
 * Runs work with the application's schema in the search path: migration files name its tables without schema, and triggers
 * of the application, event triggers too, may find their own tables there. At all other times the path of our session is
 * empty. SQL that runs here must leave the server no choice between a function or operator of its own and one that somebody
 * created in that schema.
 * @param scope `transaction` inside one, which restores the path when it fails; `session` outside
 */
export const withApplicationPath = async <T>(
  client: OwnClient,
  scope: 'session' | 'transaction',
  work: () => Promise<T>,
): Promise<T> => {
  const set = scope === 'session' ? 'SET' : 'SET LOCAL'
  await client.query(`${set} search_path TO ${client.own.application}`)
  try {
    const result = await work()
    await client.query(`${set} search_path TO ''`)
    return result
  } catch (error) {
    if (scope === 'session') await client.query(`SET search_path TO ''`).catch(() => undefined)
    throw error
  }
}

/** Runs statements one by one in the caller's transaction, with the application's schema in the search path. */
export const runInApplicationPath = (client: OwnClient, statements: readonly string[]): Promise<void> =>
  withApplicationPath(client, 'transaction', async () => {
    for (const statement of statements) await client.query(statement)
  })
