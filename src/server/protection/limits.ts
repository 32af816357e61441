/** One limit of the server: its default, and the flag of `chatkeep serve` that changes it. */
export interface Limit {
  readonly default: number
  readonly flag: string
  readonly unit: 'count' | 'ms'
  readonly least: number
  readonly most: number
  /** What the limit bounds; stands in `chatkeep serve --help` with the default. */
  readonly help: string
}

/** All limits on what one client, or all of them together, may ask of a server. A new limit is one entry here. */
export const LIMITS = {
  eventsPerSecond: {
    default: 20,
    flag: '--events-per-second',
    unit: 'count',
    least: 0,
    most: 1_000_000,
    help: 'most events per second from one socket, three times as many in a burst; 0 = no limit',
  },
  maxConnections: {
    default: 10_000,
    flag: '--max-connections',
    unit: 'count',
    least: 1,
    most: 1_000_000,
    help: 'most connections at a time',
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
    help: 'most characters in all requests that wait for an answer',
  },
  maxUnreadCharacters: {
    default: 8 * 1_048_576,
    flag: '--max-unread-characters',
    unit: 'count',
    least: 1,
    most: 1_073_741_824,
    help: 'most characters that wait for a socket that does not read, beyond those being sent',
  },
  joinTimeoutMs: {
    default: 60_000,
    flag: '--join-timeout',
    unit: 'ms',
    least: 1,
    // The longest time that a timer of Node takes.
    most: 2_147_483_647,
    help: 'longest time that a socket may stay connected without a join',
  },
} as const satisfies Readonly<Record<string, Limit>>

export type LimitName = keyof typeof LIMITS

/** A value for each limit. */
export type ChatLimits = Readonly<Record<LimitName, number>>

/** Values for some limits; the others have their defaults. */
export type GivenLimits = Readonly<Partial<Record<LimitName, number | undefined>>>

/** The given limits, completed by the defaults. */
export const limitsFrom = (given: GivenLimits): ChatLimits => ({
  ...mapLimits(({ default: value }) => value),
  ...Object.fromEntries(Object.entries(given).filter(([name, value]) => isLimit(name) && value !== undefined)),
})

const isLimit = (name: string): name is LimitName => Object.hasOwn(LIMITS, name)

const mapLimits = <T>(toValue: (limit: Limit) => T): Readonly<Record<LimitName, T>> =>
  Object.fromEntries(Object.entries(LIMITS).map(([name, limit]) => [name, toValue(limit)])) as Record<LimitName, T>
