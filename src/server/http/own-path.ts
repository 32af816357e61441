import { createServer, type RequestListener, type Server as HttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'

/** Takes the requests below one path of an HTTP server, before the listeners that it has already. */
export interface OwnPath {
  /** Gets these requests, and never listens itself: Socket.IO closes the server that it was given. */
  readonly http: HttpServer
  /** Leaves the server as it was. */
  close(): void
}

/**
 * @param path without a slash at the end
 * @param upgrades left: a request to become a WebSocket is answered as any other
 */
export const takeOwnPath = (server: HttpServer | HttpsServer, path: string, upgrades: 'taken' | 'left'): OwnPath => {
  const http = createServer()
  const others = requestListeners(server)
  let isOpen = true
  const isOwn = (url = ''): boolean => isOpen && url.startsWith(`${path}/`)

  // Another library may have taken this listener over by the time of `close`, so it works on after that.
  const onRequest: RequestListener = (request, response) => {
    if (isOwn(request.url)) http.emit('request', request, response)
    else for (const listener of others) listener.call(server, request, response)
  }
  const onUpgrade = (request: Parameters<RequestListener>[0], socket: Duplex, head: Buffer): void => {
    if (isOwn(request.url)) http.emit('upgrade', request, socket, head)
    // Node leaves the socket to the listeners, and there is no other.
    else if (server.listenerCount('upgrade') === 1) refuseUpgrade(socket)
  }
  server.removeAllListeners('request')
  server.on('request', onRequest)
  if (upgrades === 'taken') server.on('upgrade', onUpgrade)
  return {
    http,
    close: () => {
      isOpen = false
      server.off('upgrade', onUpgrade)
      const listeners = requestListeners(server)
      server.removeAllListeners('request')
      for (const listener of listeners.flatMap((one) => (one === onRequest ? others : [one]))) {
        server.on('request', listener)
      }
    },
  }
}

// Emitters do not say what their listeners take; those of this event take a request and its response.
const requestListeners = (server: HttpServer | HttpsServer): readonly RequestListener[] =>
  server.rawListeners('request').map((listener) => listener as RequestListener)

const refuseUpgrade = (socket: Duplex): void => {
  socket.on('error', () => undefined)
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
}
