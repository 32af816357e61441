import type { Client } from 'pg'

type Session = Pick<Client, 'query'>

/** What a cancelled statement (57014) is called, depending on who cancelled it. */
export const CANCELLED = {
  byLimit: { code: 'statement_timeout', message: 'a statement took longer than statement_timeout' },
  bySomebody: { code: 'statement_cancelled', message: 'somebody cancelled the statement on the server' },
}

/** The role's or the database's setting, in milliseconds; 0 means none. */
const SELECT_LIMIT = `SELECT "setting"::float AS "limitMs" FROM pg_catalog.pg_settings WHERE "name" = 'statement_timeout'`

/**
 * Whether a statement that the server cancelled (57014) can have reached statement_timeout; otherwise somebody cancelled it.
 * Its SQLSTATE is the same, and its message depends on lc_messages.
 * @param limitMs the limit that was in force; read from the session when absent
 */
export const reachedLimit = async (client: Session, elapsedMs: number, limitMs?: number): Promise<boolean> => {
  const limit = limitMs ?? (await readLimit(client))
  return limit > 0 && elapsedMs >= limit
}

const readLimit = async (client: Session): Promise<number> => {
  try {
    const { rows } = await client.query<{ limitMs: number }>(SELECT_LIMIT)
    return rows[0]?.limitMs ?? 0
  } catch {
    // The session is gone, too: somebody ended it.
    return 0
  }
}
