/** How much one client, or all of them together, may ask of the server. */
export interface ChatLimits {
  /** Events a second that one socket may send, three times as many at once; 0 = any number. */
  readonly eventsPerSecond: number
  /** Connections at one time. */
  readonly maxConnections: number
  /** Requests of one socket that may be waiting for their answers. */
  readonly maxPendingPerSocket: number
  /** Characters of all sockets' requests that may be waiting for their answers. */
  readonly maxPendingCharacters: number
  /** Characters that may be waiting for a socket that does not read, beyond what is being sent to it. */
  readonly maxUnreadCharacters: number
  /** How long a socket may stay without joining, ms. */
  readonly joinTimeoutMs: number
}

/** Of one answer that holds a page. Less than may wait for a socket, so that who reads page by page is never taken for a slow reader. */
export const MAX_PAGE_BYTES = 4 * 1_048_576

export const DEFAULT_LIMITS: ChatLimits = {
  eventsPerSecond: 20,
  maxConnections: 10_000,
  maxPendingPerSocket: 1_000,
  maxPendingCharacters: 64 * 1_048_576,
  maxUnreadCharacters: 8 * 1_048_576,
  joinTimeoutMs: 60_000,
}

/** The given limits where there are any, else the usual ones. */
export const limitsFrom = (given: Partial<Record<keyof ChatLimits, number | undefined>>): ChatLimits => ({
  eventsPerSecond: given.eventsPerSecond ?? DEFAULT_LIMITS.eventsPerSecond,
  maxConnections: given.maxConnections ?? DEFAULT_LIMITS.maxConnections,
  maxPendingPerSocket: given.maxPendingPerSocket ?? DEFAULT_LIMITS.maxPendingPerSocket,
  maxPendingCharacters: given.maxPendingCharacters ?? DEFAULT_LIMITS.maxPendingCharacters,
  maxUnreadCharacters: given.maxUnreadCharacters ?? DEFAULT_LIMITS.maxUnreadCharacters,
  joinTimeoutMs: given.joinTimeoutMs ?? DEFAULT_LIMITS.joinTimeoutMs,
})
