import { createServer, type RequestListener, type Server as HttpServer } from 'node:http'
import type { Http2SecureServer } from 'node:http2'
import type { Server as HttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { quoted } from '../../check-options.js'
import { InvalidCall } from '../../invalid-call.js'

/** Node's servers whose requests Socket.IO can answer. */
export type WebServer = HttpServer | HttpsServer | Http2SecureServer

/** The requests below one path of an HTTP server, which come before the listeners that it has already. */
export interface OwnPath {
  /** Without a slash at the end. */
  readonly path: string
  /** Gets these requests, and never listens itself: Socket.IO closes the server that it was given. */
  readonly http: HttpServer
  /** @param upgrades left: a request to become a WebSocket is answered as any other */
  take(upgrades: 'taken' | 'left'): void
  /** Leaves the server as it was. */
  close(): void
}

type OnUpgrade = (request: Parameters<RequestListener>[0], socket: Duplex, head: Buffer) => void

/** A path of a server that a chat has. */
interface Claim {
  readonly path: string
  readonly onUpgrade: OnUpgrade
}

const claimsOf = new WeakMap<WebServer, Set<Claim>>()

/**
 * Claims a path of a server for a chat, so that two cannot have the same.
 * @param path a slash at its end is ignored
 * @throws InvalidCall `invalid_option`
 */
export const claimPath = (server: WebServer, given: string): OwnPath => {
  const path = given.replace(/\/$/, '')
  const claims = claimsOf.get(server) ?? new Set()
  claimsOf.set(server, claims)
  for (const other of claims) if (isBelow(path, other.path) || isBelow(other.path, path)) throw inUse(path, other.path)
  const http = createServer()
  let others: readonly RequestListener[] = []
  let isOpen = false
  const isOwn = (url = ''): boolean => isOpen && url.startsWith(`${path}/`)

  // Another library may have taken this listener over by the time of `close`, so it works on after that.
  const onRequest: RequestListener = (request, response) => {
    if (isOwn(request.url)) http.emit('request', request, response)
    else for (const listener of others) listener.call(server, request, response)
  }
  const onUpgrade: OnUpgrade = (request, socket, head) => {
    if (isOwn(request.url)) http.emit('upgrade', request, socket, head)
    else if (isLeftToUs(server, claim, request.url)) refuseUpgrade(socket)
  }
  const claim = { path, onUpgrade }
  claims.add(claim)
  return {
    ...{ path, http },
    take: (upgrades) => {
      isOpen = true
      others = requestListeners(server)
      replaceRequestListeners(server, [onRequest])
      if (upgrades === 'taken') server.on('upgrade', onUpgrade)
    },
    close: () => {
      claims.delete(claim)
      if (!isOpen) return
      isOpen = false
      server.off('upgrade', onUpgrade)
      const listeners = requestListeners(server).flatMap((one) => (one === onRequest ? others : [one]))
      replaceRequestListeners(server, listeners)
    },
  }
}

/** Whether one path is the other, or below it: its requests are the other's as well. */
const isBelow = (path: string, other: string): boolean => `${path}/`.startsWith(`${other}/`)

const inUse = (path: string, other: string): InvalidCall =>
  new InvalidCall(
    'invalid_option',
    path === other
      ? `a chat is attached to this server at ${quoted(path)} already`
      : `${quoted(path)} overlaps with ${quoted(other)}, where a chat is attached to this server already`,
    { hint: 'close that chat first, or choose another path with the option path' },
  )

// Emitters do not say what their listeners take; those of this event take a request and its response.
const requestListeners = (server: WebServer): readonly RequestListener[] =>
  (server as HttpServer).rawListeners('request').map((listener) => listener as RequestListener)

const replaceRequestListeners = (server: WebServer, listeners: readonly RequestListener[]): void => {
  server.removeAllListeners('request')
  for (const listener of listeners) (server as HttpServer).on('request', listener)
}

/** Node leaves the socket to the listeners: whether there are none but of chats, of which the first speaks for all. */
const isLeftToUs = (server: WebServer, { onUpgrade }: Claim, url = ''): boolean => {
  const claims = [...(claimsOf.get(server) ?? [])]
  const [first, ...rest] = server.rawListeners('upgrade')
  return (
    first === onUpgrade &&
    rest.every((listener) => claims.some((claim) => claim.onUpgrade === listener)) &&
    !claims.some(({ path }) => url.startsWith(`${path}/`))
  )
}

const refuseUpgrade = (socket: Duplex): void => {
  socket.on('error', () => undefined)
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
}
