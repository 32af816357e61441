import { connect, isIP, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ConnectionProblem, failureReason, NO_TLS, NOT_POSTGRES } from './connection-failure.js'
import { nodeTls } from './target/node-tls.js'
import { isSocket, type Host } from './target/hosts.js'
import type { Tls, Way } from './target/tls.js'

/** Message SSLRequest of the PostgreSQL protocol: length, request code. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

/** Request code of the message CancelRequest. */
const CANCEL_CODE = 80_877_102

/** One address of a host. */
export interface Place extends Host {
  readonly at: string
}

/**
 * Opens a stream to a server, with TLS if that is the way. The caller sends the first message of the protocol.
 * @param tls its options; when the server offers none and `ways` allows it, the stream stays plain
 * @throws Error of the network or of TLS, or ConnectionProblem
 */
export const openStream = async (place: Place, way: Way, tls: Tls, timeoutMs: number): Promise<Socket> => {
  const socket = open(place, timeoutMs)
  try {
    await settled(socket, 'connect')
    if (way === 'tls' && (tls.negotiation === 'direct' || (await offersTls(socket, tls)))) {
      const secure = quiet(secured(socket, place, tls)).setTimeout(timeoutMs)
      await settled(secure, 'secureConnect').catch((error: unknown) => {
        throw tlsFailure(error)
      })
      return secure.setTimeout(0)
    }
    return socket.setTimeout(0)
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** What a session's own client knows of it, and nobody else. */
export interface SessionKey {
  readonly processId: number
  readonly secretKey: number
}

/** Where a session's server is reached, and how. */
export interface Reach {
  readonly place: Place
  readonly way: Way
  readonly tls: Tls
}

/**
 * Asks the server to cancel the running statement of a session, as Ctrl-C in psql does. The session's own key makes sure
 * that no other statement is cancelled, behind a pooler as well. The server sends no answer; the statement fails, or, if it waits
 * in its commit, succeeds without having waited.
 */
export const requestCancel = async (
  { place, way, tls }: Reach,
  { processId, secretKey }: SessionKey,
  timeoutMs: number,
): Promise<CancelOutcome> => {
  const request = Buffer.alloc(16)
  for (const [index, value] of [request.length, CANCEL_CODE, processId, secretKey].entries()) {
    request.writeInt32BE(value, 4 * index)
  }
  // Errors are not thrown: the session has the same problem and reports it.
  try {
    const socket = await openStream(place, way, tls, timeoutMs)
    socket.setTimeout(timeoutMs).write(request)
    await settled(socket, 'close').finally(() => socket.destroy())
    return 'taken'
  } catch (error) {
    return isNobodyThere(error) ? 'no_server' : 'unknown'
  }
}

/** What became of a cancel request. */
export type CancelOutcome = 'taken' | 'no_server' | 'unknown'

const isNobodyThere = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')

const open = ({ host, port, at }: Place, timeout: number): Socket =>
  quiet(isSocket(host) ? connect({ path: `${host}/.s.PGSQL.${port}`, timeout }) : connect({ host: at, port, timeout }))

// Each wait reports its own errors; one between two waits has no listener and would end the process.
const quiet = <Stream extends Socket>(stream: Stream): Stream => stream.on('error', () => undefined)

const offersTls = async (socket: Socket, tls: Tls): Promise<boolean> => {
  socket.write(SSL_REQUEST)
  // More than the one byte would be data of somebody else, sent ahead of the handshake.
  const answer = await settled(socket, 'data')
  const text = Buffer.isBuffer(answer) ? answer.toString('latin1') : ''
  if (text === 'S') return true
  if (text !== 'N') throw new ConnectionProblem(NOT_POSTGRES, 'protocol')
  if (tls.ways.includes('plain')) return false
  throw new ConnectionProblem(NO_TLS, 'tls')
}

const secured = (socket: Socket, { host }: Place, { options, negotiation, sendsName }: Tls): TLSSocket =>
  nodeTls().connect({
    ...options,
    socket,
    // The certificate is checked for this name, even where hostaddr says where to connect.
    host,
    ...(sendsName && isIP(host) === 0 ? { servername: host } : {}),
    ...(negotiation === 'direct' ? { ALPNProtocols: ['postgresql'] } : {}),
  })

// A server that ends the handshake may still accept a connection without TLS; one that does not answer will not.
const tlsFailure = (error: unknown): unknown => {
  if (error instanceof ConnectionProblem && error.kind === 'network') return error
  return new ConnectionProblem(`TLS failed: ${failureReason(error).replace(/^TLS failed: /, '')}`, 'tls', error)
}

const WAITS = { connect: 'tcp', data: 'answer', secureConnect: 'tls', close: 'answer' } as const

/** The first argument of an event; fails with the stream's error, or when it ends or says nothing for its time-out first. */
const settled = (socket: Socket, event: keyof typeof WAITS): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const fail = (reason: string, kind: 'network' | 'closed'): void =>
      reject(new ConnectionProblem(reason, kind, undefined, WAITS[event]))
    const timedOut = (): void => fail('it did not answer in time', 'network')
    const closed = (): void => fail('it closed the connection', 'closed')
    const settle = (finish: () => void): void => {
      for (const [name, listener] of Object.entries(listeners)) socket.off(name, listener)
      finish()
    }
    const listeners: Readonly<Record<string, (value?: unknown) => void>> = {
      timeout: () => settle(timedOut),
      close: () => settle(closed),
      error: (error) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
      [event]: (value) => settle(() => resolve(value)),
    }
    for (const [name, listener] of Object.entries(listeners)) socket.once(name, listener)
  })
