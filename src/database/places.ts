import { lookup } from 'node:dns/promises'
import { ConnectionProblem } from './connection-failure.js'
import type { Place } from './open-stream.js'
import { isSocket, type Host } from './target/hosts.js'

/** The addresses of a host. @throws the error of the look-up */
export const placesOf = async (host: Host, timeoutMs: number): Promise<readonly Place[]> => {
  const known = host.at ?? host.address ?? (isSocket(host.host) ? host.host : undefined)
  if (known !== undefined) return [{ ...host, at: known }]
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new ConnectionProblem('its name could not be looked up in time', 'network', undefined, 'name')),
      timeoutMs,
    )
  })
  try {
    const found = await Promise.race([lookup(host.host, { all: true, verbatim: true }), patience])
    return found.map(({ address }) => ({ ...host, at: address }))
  } finally {
    clearTimeout(timer)
  }
}

/** A copy in random order. */
export const shuffled = <Item>(items: readonly Item[]): readonly Item[] =>
  items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item)
