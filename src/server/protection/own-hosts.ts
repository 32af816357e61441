import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { toCountedAddress } from './remote-address.js'

/** The names under which a server is reached, and the web origins of the pages under them. */
export interface OwnHosts {
  /** Whether the `Host` header names this server. */
  isOwnHost(host: string | undefined): boolean
  /** Whether the origin is that of a page of this server: scheme, name and port. @param scheme of the server itself */
  isOwnOrigin(origin: string, host: string | undefined, scheme: 'http' | 'https'): boolean
}

/**
 * A page can point its own name at 127.0.0.1 (DNS rebinding), and browsers then take this server for its own: only the name in
 * `Host` tells. A page cannot do that with an address or with `localhost`, so every address is accepted.
 * @param listenHost what the server listens on
 * @param publicHosts as `publicOrigin` takes them
 */
export const createOwnHosts = (listenHost: string, publicHosts: readonly string[]): OwnHosts => {
  const publicOrigins = publicHosts.map((host) => publicOrigin(host) ?? host)
  const local = ['localhost', listenHost.toLowerCase()]
  const publicNames = publicOrigins.map(nameIn)
  const isLocal = (host: string | undefined): boolean => {
    const name = nameIn(`http://${host ?? ''}`)
    return name !== undefined && (isAddress(name) || local.includes(name))
  }
  return {
    isOwnHost: (host) => isLocal(host) || (host !== undefined && publicNames.includes(nameIn(`http://${host}`))),
    // What a proxy makes of the server's own scheme, a public host says.
    isOwnOrigin: (origin, host, scheme) =>
      publicOrigins.includes(origin) || (isLocal(host) && isSame(origin, `${scheme}://${host}`)),
  }
}

/**
 * The web origin of a public host: `chat.example` is `https://chat.example`, `http://chat.example` stays.
 * @returns undefined when the text is neither a name nor an origin
 */
export const publicOrigin = (text: string): string | undefined => {
  const given = text.includes('://') ? text : `https://${text}`
  return PUBLIC_ORIGIN.test(given) && URL.canParse(given) ? new URL(given).origin : undefined
}

const PUBLIC_ORIGIN = /^https?:\/\/[a-z0-9.-]+(:\d+)?$/i

const nameIn = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).hostname : undefined)

const isAddress = (name: string): boolean => isIP(name.replace(/^\[|\]$/g, '')) !== 0

const isSame = (origin: string, other: string): boolean =>
  URL.canParse(origin) && URL.canParse(other) && new URL(origin).origin === new URL(other).origin

const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via']

/** Whether a request comes from this machine, to one of our hosts, and through no proxy that names itself. */
export const isOfThisMachine = ({ headers, socket }: IncomingMessage, ownHosts: OwnHosts): boolean => {
  const address = toCountedAddress(socket.remoteAddress)
  const isLoopback = address === '::1' || address.startsWith('127.')
  return isLoopback && ownHosts.isOwnHost(headers.host) && FORWARDED.every((name) => headers[name] === undefined)
}
