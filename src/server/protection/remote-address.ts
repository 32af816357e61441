import type { IncomingMessage } from 'node:http'
import { isIP, isIPv4 } from 'node:net'

/** Tells who sent a request, in the form in which addresses are counted and logged. */
export type RemoteAddress = (request: {
  readonly headers: IncomingMessage['headers']
  readonly socket: { readonly remoteAddress?: string | undefined }
}) => string

/**
 * Each proxy appends the address that it saw to `X-Forwarded-For`, so the entry that the outermost trusted proxy wrote is
 * `trustedProxies` from the right; whatever stands to its left came from the client. A request that did not pass all the
 * proxies counts as the peer's own.
 * @param trustedProxies proxies through which every request comes; 0 = none, and the header is ignored
 */
export const createRemoteAddress =
  (trustedProxies: number): RemoteAddress =>
  ({ headers, socket }) => {
    const forwarded = trustedProxies === 0 ? undefined : forwardedAddresses(headers).at(-trustedProxies)
    const address = forwarded && withoutPort(forwarded)
    return toCountedAddress(address !== undefined && isIP(address) !== 0 ? address : socket.remoteAddress)
  }

/**
 * The address of a peer as it is counted: a network of one IPv6 customer has 2^64 addresses, so IPv6 counts by its /64;
 * IPv4 that is mapped into IPv6 counts as IPv4.
 */
export const toCountedAddress = (address: string | undefined): string => {
  if (address === undefined || isIP(address) === 0) return 'unknown'
  if (isIPv4(address)) return address
  const groups = groupsOf(address)
  const [high = 0, low = 0] = groups.slice(6)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (isMapped) return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
  const network = groups.slice(0, 4).map((group) => group.toString(16))
  return groups.slice(0, 7).every((group) => group === 0) && low === 1 ? '::1' : `${network.join(':')}::/64`
}

// Node joins several headers of this name with commas.
const forwardedAddresses = (headers: IncomingMessage['headers']): readonly string[] => {
  const header = headers['x-forwarded-for'] ?? ''
  return (typeof header === 'string' ? header : header.join(',')).split(',').map((entry) => entry.trim())
}

/** Some proxies write `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
const withoutPort = (text: string): string => {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d+)?$/.exec(text) ?? []
  return bracketed ?? plain ?? text
}

/** The eight groups of an IPv6 address; the URL parser knows all the ways to write one, but no zone. */
const groupsOf = (address: string): readonly number[] => {
  const [withoutZone = ''] = address.split('%')
  const [left = '', right] = new URL(`http://[${withoutZone}]`).hostname.slice(1, -1).split('::')
  const [before, after] = [left, right ?? ''].map((part) => (part === '' ? [] : part.split(':')))
  const zeros = Array.from({ length: 8 - (before?.length ?? 0) - (after?.length ?? 0) }, () => '0')
  return [...(before ?? []), ...zeros, ...(after ?? [])].map((group) => Number.parseInt(group, 16))
}
