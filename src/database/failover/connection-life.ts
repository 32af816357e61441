/**
 * A connection leads to the server that had the name, or the place behind a proxy, when it was made. After a failover that left
 * the old primary running, it goes on taking commits that the new one never sees: a new connection finds the new one.
 */
export const DEFAULT_CONNECTION_LIFE_MS = 60_000

/** How long one connection is used: up to a fifth less than the longest, so that those made together do not end together. */
export const connectionLifeMs = (longestMs = DEFAULT_CONNECTION_LIFE_MS): number =>
  longestMs * (1 - 0.2 * Math.random())
