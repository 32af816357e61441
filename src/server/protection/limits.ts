import {
  DEFAULT_MAX_MESSAGE_BYTES,
  LEAST_MAX_MESSAGE_BYTES,
  MOST_MESSAGE_BYTES,
} from '../../persistence/content/message-size.js'

/** One limit of the server: its default, and the flag of `chatkeep serve` that changes it. */
export interface Limit {
  readonly default: number
  readonly flag: string
  readonly unit: 'count' | 'bytes' | 'ms'
  readonly least: number
  readonly most: number
  /** The default has room for so many messages of the largest size. */
  readonly messages?: number
  /** What the limit bounds; stands in `chatkeep serve --help` with the default. */
  readonly help: string
}

/** All limits on what one client, or all of them together, may ask of a server. A new limit is one entry here. */
export const LIMITS = {
  maxMessageBytes: {
    default: DEFAULT_MAX_MESSAGE_BYTES,
    flag: '--max-message-bytes',
    unit: 'bytes',
    least: LEAST_MAX_MESSAGE_BYTES,
    most: MOST_MESSAGE_BYTES,
    help: 'most bytes of the text of a message, and of its image',
  },
  eventsPerSecond: {
    default: 20,
    flag: '--events-per-second',
    unit: 'count',
    least: 0,
    most: 1_000_000,
    help: 'most events per second from one socket, three times as many in a burst, beyond which they wait; 0 = no limit',
  },
  maxConnections: {
    default: 10_000,
    flag: '--max-connections',
    unit: 'count',
    least: 1,
    most: 1_000_000,
    help: 'most guests connected at a time',
  },
  maxConnectionsPerAddress: {
    default: 500,
    flag: '--max-connections-per-address',
    unit: 'count',
    least: 1,
    most: 1_000_000,
    help: 'most guests connected at a time from one address',
  },
  maxUnjoined: {
    default: 2_000,
    flag: '--max-unjoined',
    unit: 'count',
    least: 1,
    most: 1_000_000,
    help: 'most connections at a time that have not joined',
  },
  maxUnjoinedPerAddress: {
    default: 250,
    flag: '--max-unjoined-per-address',
    unit: 'count',
    least: 1,
    most: 1_000_000,
    help: 'most connections at a time from one address that have not joined',
  },
  maxStoredBytesPerMinute: {
    default: 64 * 1_048_576,
    flag: '--max-stored-bytes-per-minute',
    unit: 'count',
    least: 0,
    most: 1_099_511_627_776,
    help: 'most bytes of messages that guests of one address may send in a minute; 0 = no limit',
  },
  maxReadBytesPerMinute: {
    default: 256 * 1_048_576,
    flag: '--max-read-bytes-per-minute',
    unit: 'count',
    least: 0,
    most: 1_099_511_627_776,
    help: 'most bytes of history that guests of one address may read in a minute; 0 = no limit',
  },
  maxNewNamesPerMinute: {
    default: 600,
    flag: '--max-new-names-per-minute',
    unit: 'count',
    least: 0,
    most: 1_000_000,
    help: 'most new names under which guests of one address may write in a minute; 0 = no limit',
  },
  maxPendingPerSocket: {
    default: 1_000,
    flag: '--max-pending-per-socket',
    unit: 'count',
    least: 1,
    most: 1_000_000,
    help: 'most requests of one socket that wait for an answer',
  },
  maxPendingCharacters: {
    default: 64 * 1_048_576,
    flag: '--max-pending-characters',
    unit: 'count',
    least: 1,
    most: 1_073_741_824,
    messages: 8,
    help: 'most characters in all requests that wait for an answer',
  },
  maxHeldPerSocket: {
    default: 100,
    flag: '--max-held-per-socket',
    unit: 'count',
    least: 0,
    most: 1_000_000,
    help: 'most events of one socket that wait for its join, or for --events-per-second',
  },
  maxHeldCharacters: {
    default: 16 * 1_048_576,
    flag: '--max-held-characters',
    unit: 'count',
    least: 1,
    most: 1_073_741_824,
    messages: 8,
    help: 'most characters in all events that wait for a join, or for --events-per-second',
  },
  maxUnreadCharacters: {
    default: 8 * 1_048_576,
    flag: '--max-unread-characters',
    unit: 'count',
    least: 1,
    most: 1_073_741_824,
    messages: 8,
    help: 'most characters that wait for a socket that does not read, beyond those being sent',
  },
  joinTimeoutMs: {
    default: 20_000,
    flag: '--join-timeout',
    unit: 'ms',
    least: 1,
    // The longest time that a timer of Node takes.
    most: 2_147_483_647,
    help: 'longest time that a socket may stay connected without a join',
  },
} as const satisfies Readonly<Record<string, Limit>>

export type LimitName = keyof typeof LIMITS

/** Called when a limit takes effect. */
export type OnLimit = (limit: LimitName) => void

/** A value for each limit. */
export type ChatLimits = Readonly<Record<LimitName, number>>

/** Values for some limits; the others have their defaults. */
export type GivenLimits = Readonly<Partial<Record<LimitName, number | undefined>>>

/** For a server whose guests all come from one address and are known, such as those of a replay. */
export const ADDRESSES_UNLIMITED = {
  maxConnectionsPerAddress: LIMITS.maxConnectionsPerAddress.most,
  maxUnjoined: LIMITS.maxUnjoined.most,
  maxUnjoinedPerAddress: LIMITS.maxUnjoinedPerAddress.most,
  maxStoredBytesPerMinute: 0,
  maxReadBytesPerMinute: 0,
  maxNewNamesPerMinute: 0,
} as const satisfies GivenLimits

/** The given limits, completed by the defaults. */
export const limitsFrom = (given: GivenLimits): ChatLimits => {
  const { maxMessageBytes = LIMITS.maxMessageBytes.default } = given
  return {
    ...mapLimits(({ default: value, messages = 0 }) => Math.max(value, messages * maxMessageBytes)),
    ...Object.fromEntries(Object.entries(given).filter(([name, value]) => isLimit(name) && value !== undefined)),
  }
}

const isLimit = (name: string): name is LimitName => Object.hasOwn(LIMITS, name)

const mapLimits = <T>(toValue: (limit: Limit) => T): Readonly<Record<LimitName, T>> =>
  Object.fromEntries(Object.entries(LIMITS).map(([name, limit]) => [name, toValue(limit)])) as Record<LimitName, T>
