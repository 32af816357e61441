import { tooManyConnections } from '../../protocol/refusals.js'
import { createCounts } from './counts.js'
import type { ChatLimits, LimitName } from './limits.js'

type Pool = 'unjoined' | 'guests' | 'operators'

/** The place of one connection in the pools. */
export interface ConnectionPlace {
  /** @throws OperatorError `too_many_connections`, retryable; the connection then stays where it is */
  moveTo(pool: Exclude<Pool, 'unjoined'>): void
  /** Called when the connection has ended; may be called twice. */
  leave(): void
}

export interface ConnectionPools {
  /** @throws OperatorError `too_many_connections`, retryable */
  enter(address: string): ConnectionPlace
}

/**
 * Counts connections in three pools. Those that have not joined have one of their own, so that nobody fills the server with
 * handshakes; guests are counted in all and for each address; operators, who have shown a secret, are not limited.
 */
export const createConnectionPools = (
  limits: ChatLimits,
  onRefused: (limit: LimitName, address: string, pool: string) => void,
): ConnectionPools => {
  const counts = { unjoined: createCounts(), guests: createCounts(), operators: createCounts() }
  const most = {
    unjoined: { all: 'maxUnjoined', address: 'maxUnjoinedPerAddress' },
    guests: { all: 'maxConnections', address: 'maxConnectionsPerAddress' },
  } as const
  const take = (pool: Pool, address: string): void => {
    if (pool !== 'operators') {
      const { all, address: perAddress } = most[pool]
      if (counts[pool].of(address) >= limits[perAddress]) {
        onRefused(perAddress, address, pool)
        throw tooManyConnections(limits[perAddress], 'from this address')
      }
      if (counts[pool].total >= limits[all]) {
        onRefused(all, address, pool)
        throw tooManyConnections(limits[all])
      }
    }
    counts[pool].add(address)
  }
  return {
    enter: (address) => {
      take('unjoined', address)
      let current: Pool | undefined = 'unjoined'
      return {
        moveTo: (pool) => {
          if (current === undefined || current === pool) return
          take(pool, address)
          counts[current].remove(address)
          current = pool
        },
        leave: () => {
          if (current !== undefined) counts[current].remove(address)
          current = undefined
        },
      }
    },
  }
}
