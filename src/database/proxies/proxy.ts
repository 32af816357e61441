import type { Client } from 'pg'
import { connect, disconnect } from '../connection.js'
import type { ConnectionTarget } from '../connection-target.js'
import { betweenClientAndServer } from '../pooler.js'
import { isServerError } from '../sql-state.js'
import { findSharedSession, type SharedSession } from './shared-session.js'

/** What stands between a client and its server. */
export interface Proxy {
  readonly kind: 'relay' | 'pooler'
  /** Its name, where it gives itself away. */
  readonly product: string | undefined
  /** Why the client has no session to itself; undefined if it has one. */
  readonly shared: SharedSession | undefined
}

/** @param client not in a transaction @returns undefined when nothing stands in between */
export const findProxy = async (
  client: Client,
  target: ConnectionTarget,
  signal: AbortSignal,
): Promise<Proxy | undefined> => {
  const kind = await betweenClientAndServer(client)
  if (kind === 'nothing') return undefined
  if (kind === 'relay') return { kind, product: undefined, shared: undefined }
  const shared = await findSharedSession(client, target, signal)
  return { kind, product: await productOf(client, target, signal), shared }
}

/** Hosts whose names say which pooler is there. */
const HOSTED: readonly (readonly [RegExp, string])[] = [
  [/\.pooler\.supabase\.com$/, 'Supavisor'],
  [/-pooler\.[^/]*\.neon\.tech$/, 'PgBouncer of Neon'],
  [/\.proxy-[^.]+\.[^.]+\.rds\.amazonaws\.com$/, 'Amazon RDS Proxy'],
]

const productOf = async (client: Client, target: ConnectionTarget, signal: AbortSignal): Promise<string | undefined> =>
  HOSTED.find(([pattern]) => pattern.test(target.host))?.[1] ??
  (await pgpoolVersion(client)) ??
  ((await hasPgBouncerConsole(target, signal)) ? 'PgBouncer' : undefined)

/** Only pgpool-II itself answers this statement; to the server it is an unknown setting. */
const pgpoolVersion = async (client: Client): Promise<string | undefined> => {
  try {
    const { rows } = await client.query<Record<string, string>>('SHOW pool_version')
    return `pgpool-II ${Object.values(rows[0] ?? {}).join(' ')}`.trim()
  } catch (error) {
    if (isServerError(error)) return undefined
    throw error
  }
}

// PgBouncer refuses its console to others than its administrators in words of its own; to them, it refuses our first query.
const PGBOUNCER_ANSWERS = /^(not allowed|.*use SHOW HELP;?)/

const hasPgBouncerConsole = async (target: ConnectionTarget, signal: AbortSignal): Promise<boolean> => {
  try {
    await disconnect(
      await connect(
        { ...target, database: 'pgbouncer', askPassword: undefined },
        { applicationName: 'chatkeep doctor', signal },
      ),
    )
    return false
  } catch (error) {
    signal.throwIfAborted()
    const cause = error instanceof Error ? error.cause : undefined
    return isServerError(cause) && PGBOUNCER_ANSWERS.test(cause.message)
  }
}
