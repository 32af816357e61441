import type { Pool } from 'pg'
import type { ConnectionTarget } from '../../database/connection-target.js'
import type { Promotion } from '../../database/failover/timelines.js'
import { InvalidCall } from '../errors.js'

/** Where the messages are: a URL, a pool (which the caller ends), or a resolved target. */
export type ChatStoreSource =
  { readonly databaseUrl: string } | { readonly pool: Pool } | { readonly target: ConnectionTarget }

export interface ChatStoreOptions {
  /** Schema of the tables; `public`, or the URL's `?schema=`, when absent. */
  readonly schema?: string | undefined
  /** Size of the store's own pool; 10 when absent. Ignored when a pool is passed. */
  readonly maxConnections?: number | undefined
  /**
   * How old a connection of the store's own pool may get, in milliseconds; it is replaced when it is free. 60,000 when absent.
   * After a failover that left the old primary running, messages are saved there for no longer.
   */
  readonly maxConnectionLifeMs?: number | undefined
  /** How long a call retries before it fails with `StoreUnavailable`, in milliseconds; 10,000 when absent; 0 means one attempt. */
  readonly deadlineMs?: number | undefined
  /** Most messages that wait or are being saved; the next is refused with `StoreOverloaded`. 10,000 when absent. */
  readonly maxQueuedMessages?: number | undefined
  /** Most bytes of their texts and images; 64 MiB when absent. */
  readonly maxQueuedBytes?: number | undefined
  /**
   * Called when a connection of the store's own pool has found that a standby was promoted. Connections to the server that was
   * the primary before are ended at once, and not made again.
   */
  readonly onPromotion?: ((promotion: Promotion) => void) | undefined
  /** Shown in pg_stat_activity; `chatkeep` when absent. */
  readonly applicationName?: string | undefined
}

export const DEFAULT_DEADLINE_MS = 10_000
export const DEFAULT_MAX_CONNECTIONS = 10
export const DEFAULT_MAX_QUEUED_MESSAGES = 10_000
export const DEFAULT_MAX_QUEUED_BYTES = 64 * 1_048_576

const LEAST_OF_OPTIONS = [
  ['maxConnections', 1],
  ['maxConnectionLifeMs', 1],
  ['deadlineMs', 0],
  ['maxQueuedMessages', 1],
  ['maxQueuedBytes', 1],
] as const

/** NaN would mean no limit, and a pool without connections waits forever. @throws InvalidCall `invalid_option` */
export const checkOptions = (options: ChatStoreOptions): void => {
  for (const [name, least] of LEAST_OF_OPTIONS) {
    const value = options[name]
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) continue
    throw invalidOption(`${name} is ${value}, but must be a whole number of at least ${least}`)
  }
  if (options.schema === '') throw invalidOption('schema is empty')
}

const invalidOption = (message: string): InvalidCall => new InvalidCall('invalid_option', message)

/** A misspelt name must fail here, not at the first message. @throws InvalidCall `invalid_option` */
export const checkSource = (source: Partial<Record<(typeof SOURCES)[number], unknown>> | undefined): void => {
  const stray = Object.keys(source ?? {}).find((name) => !(SOURCES as readonly string[]).includes(name))
  if (stray !== undefined)
    throw invalidOption(`${stray} names no database; options are the second argument of createChatStore`)
  const given = SOURCES.filter((name) => source?.[name] != null)
  if (given.length === 1) return
  throw invalidOption(`name the database by exactly one of databaseUrl and pool (given: ${given.join(', ') || 'none'})`)
}

const SOURCES = ['databaseUrl', 'pool', 'target'] as const
