/**
 * A connection leads to the server that had the name, or the place behind a proxy, when it was made. After a failover that left
 * the old primary running, it goes on taking commits that the new one never sees: a new connection finds the new one.
 */
export const DEFAULT_CONNECTION_LIFE_MS = 60_000

/**
 * How long one connection is used: anything from a tenth of the longest on, so that of several made together one is soon
 * replaced. The first that meets a new primary is enough to end the others.
 */
export const connectionLifeMs = (longestMs = DEFAULT_CONNECTION_LIFE_MS): number =>
  longestMs * (0.1 + 0.9 * Math.random())
