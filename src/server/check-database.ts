import type { Queryable } from '../database/connection.js'
import { explainDatabaseError } from '../database/connection-error.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { charactersIn } from '../database/encoding/encoding.js'
import { refuseEncoding } from '../database/encoding/refuse-encoding.js'
import { refuseReadOnly } from '../database/read-only.js'
import { onlyRow } from '../database/rows.js'
import { refuseMissingSchema } from '../database/missing-schema.js'
import { readCommitState, type CommitState } from '../database/replication/commit-state.js'
import { withLockLimit } from '../database/lock-limit.js'
import { withWatchedClient } from '../database/waiting/watch-session.js'
import { createChatStore } from '../persistence/chat-store.js'
import { explainMissingSchema, StoreUnavailable } from '../persistence/errors.js'
import { checkPrerequisites } from '../persistence/access/prerequisites.js'
import { namesIn } from '../persistence/sql-names.js'

/** A name that no conversation has. */
const NO_CONVERSATION = '-'

const QUERY_TIMEOUT_MS = 10_000

/** What it reads of the catalog is found by name; the policies of row-level security hold as for the application. */
const PINS = 'text'

const SELECT_FSYNC = `SELECT pg_catalog.current_setting('fsync') AS "fsync"`

/** A finding that does not prevent the start. */
export type DatabaseWarning = 'fsync_off' | 'rows_hidden' | 'encoding_unchecked'

/** A database that messages can be stored in. */
export interface CheckedDatabase {
  readonly warnings: readonly DatabaseWarning[]
  readonly commits: CommitState
}

/**
 * Checks, without retries, that the database answers, has what the core needs, and grants this role what it needs.
 * Takes no locks that block writers; its cost does not depend on the size of the database.
 * @throws OperatorError naming the database when it is unreachable or read-only, `encoding_not_utf8` or `privilege_missing`; SchemaNotReady
 * when it was not migrated, or lacks the unique index that prevents duplicates
 */
export const checkDatabase = async (target: ConnectionTarget, applicationName: string): Promise<CheckedDatabase> => {
  const store = createChatStore({ target }, { applicationName, deadlineMs: 0 })
  try {
    const session = { applicationName, queryTimeoutMs: QUERY_TIMEOUT_MS, pins: PINS } as const
    // First, because it says best why a session cannot begin.
    return await withWatchedClient(
      target,
      session,
      { showQueries: false, onEvent: () => undefined },
      async (watched) => {
        const client = withLockLimit(watched, PINS)
        const schema = target.schema ?? 'public'
        await refuseMissingSchema(client, schema)
        await refuseReadOnly(client)
        const { encoding } = await refuseEncoding(client)
        await readNothing(client, schema)
        await store.getChatHistory({ sessionId: NO_CONVERSATION, limit: 1 })
        const { isRestricted } = await checkPrerequisites(client, schema)
        const { fsync } = onlyRow(await client.query<{ fsync: string }>(SELECT_FSYNC))
        const warnings = [
          ...(fsync === 'off' ? (['fsync_off'] as const) : []),
          ...(isRestricted ? (['rows_hidden'] as const) : []),
          ...(charactersIn(encoding) === 'unchecked' ? (['encoding_unchecked'] as const) : []),
        ]
        return { warnings, commits: await readCommitState(client) }
      },
    )
  } catch (error) {
    throw explainDatabaseError(error instanceof StoreUnavailable ? error.cause : error, target)
  } finally {
    await store.close()
  }
}

// The store would wait for a locked table until its time is up.
const readNothing = async (client: Queryable, schema: string): Promise<void> => {
  try {
    await client.query(`SELECT FROM ${namesIn(schema).message} LIMIT 0`)
  } catch (error) {
    throw explainMissingSchema(error)
  }
}
