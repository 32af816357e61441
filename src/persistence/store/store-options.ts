import type { ConnectionTarget } from '../../database/connection-target.js'
import type { Promotion } from '../../database/failover/timelines.js'
import {
  checkOptions,
  checkValue,
  FILLED_TEXT,
  FUNCTION,
  isObject,
  milliseconds,
  objectWith,
  oneOf,
  OBJECT,
  shown,
  TEXT,
  unknownName,
  wholeNumber,
  type Rules,
} from '../../check-options.js'
import { LEAST_MAX_MESSAGE_BYTES, MOST_MESSAGE_BYTES } from '../content/message-size.js'
import { InvalidCall } from '../errors.js'
import { IDEMPOTENCY_SCOPES, type IdempotencyScope } from '../keys/key-scope.js'

/** A pool of `pg`, of whatever version of its types, or one that is like it. */
export interface ConnectionPool {
  connect(): Promise<{ query(text: string, values?: unknown[]): Promise<unknown> }>
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
}

/** Where the messages are: a URL, a pool (which the caller ends), or a resolved target. */
export type ChatStoreSource =
  { readonly databaseUrl: string } | { readonly pool: ConnectionPool } | { readonly target: ConnectionTarget }

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
  /** When a call fails with `StoreUnavailable`, in milliseconds; 10,000 when absent; 0 means one attempt, of ten seconds at most. */
  readonly deadlineMs?: number | undefined
  /** Most messages that wait or are being saved; the next is refused with `StoreOverloaded`. 10,000 when absent. */
  readonly maxQueuedMessages?: number | undefined
  /** Most bytes of their texts and images; 64 MiB when absent. */
  readonly maxQueuedBytes?: number | undefined
  /**
   * `all`: a key names one message of all; `sender`: one of its sender, so that two senders may use the same. `all` when absent. All
   * that write to one database need the same.
   */
  readonly idempotencyScope?: IdempotencyScope | undefined
  /**
   * Most bytes of UTF-8 that the text of a message may have as stored, and its image, each by itself; 1 MiB when absent, 32 MiB
   * at most.
   */
  readonly maxMessageBytes?: number | undefined
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

const RULES: Rules<ChatStoreOptions> = {
  schema: FILLED_TEXT,
  // A pool without connections waits forever.
  maxConnections: wholeNumber(1),
  maxConnectionLifeMs: milliseconds(1),
  deadlineMs: milliseconds(0),
  maxQueuedMessages: wholeNumber(1),
  maxQueuedBytes: wholeNumber(1),
  maxMessageBytes: wholeNumber(LEAST_MAX_MESSAGE_BYTES, MOST_MESSAGE_BYTES),
  idempotencyScope: oneOf(...IDEMPOTENCY_SCOPES),
  onPromotion: FUNCTION,
  applicationName: TEXT,
}

/** @throws InvalidCall `invalid_option` */
export const checkStoreOptions = (options: unknown): void => checkOptions('options', options, RULES)

const SOURCES = { databaseUrl: TEXT, pool: objectWith('connect'), target: OBJECT }

type SourceName = keyof typeof SOURCES

const isSourceName = (name: string): name is SourceName => Object.hasOwn(SOURCES, name)

/** A misspelt name must fail here, not at the first message. @throws InvalidCall `invalid_option` */
export const checkSource = (source: unknown): void => {
  if (source != null && !isObject(source)) checkValue('the first argument', source, { ...OBJECT, must: DATABASE })
  const named = isObject(source) ? source : {}
  const names = Object.keys(named)
  const stray = names.find((name) => !isSourceName(name))
  if (stray !== undefined)
    throw invalidSource(`${unknownName('option', stray, SOURCE_NAMES)} (options are the second argument)`)
  const given = names.filter(isSourceName).filter((name) => named[name] != null)
  const [name] = given
  if (name === undefined && names[0] !== undefined) throw missing(names[0], named[names[0]])
  if (name === undefined || given.length > 1)
    throw invalidSource(
      `name the database by exactly one of databaseUrl and pool (given: ${given.join(', ') || 'none'})`,
    )
  checkValue(name, named[name], SOURCES[name])
}

const SOURCE_NAMES = ['databaseUrl', 'pool']
const DATABASE = 'an object with databaseUrl or pool'

const missing = (name: string, value: unknown): InvalidCall =>
  invalidSource(
    `${name} ${shown(value)}`,
    name === 'databaseUrl' ? 'set the variable that it comes from, such as DATABASE_URL' : undefined,
  )

const invalidSource = (message: string, hint?: string): InvalidCall =>
  new InvalidCall('invalid_option', message, { hint })
