import { connect, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { ConnectionTarget } from './connection-target.js'

/** Message SSLRequest of the PostgreSQL protocol: length, request code. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

/** Request code of the message CancelRequest. */
const CANCEL_CODE = 80_877_102

type Address = Pick<ConnectionTarget, 'host' | 'port' | 'connectTimeoutMs'>

/**
 * Resolves `negotiate`: TLS without certificate check when the server supports it, else plain, as libpq's `prefer`.
 * node-postgres has no such mode, so a separate connection asks the server once.
 */
export const settleTls = async (target: ConnectionTarget): Promise<false | ConnectionOptions> => {
  if (target.tls === 'off') return false
  if (target.tls !== 'negotiate') return target.tls
  return (await exchange(target, SSL_REQUEST)) === 'S' ? { rejectUnauthorized: false } : false
}

/**
 * Asks the server to cancel the running statement of a session, as Ctrl-C in psql does. The session's own key makes sure
 * that no other statement is cancelled, behind a pooler as well. The server sends no answer; the statement fails.
 */
export const requestCancel = async (address: Address, processId: number, secretKey: number): Promise<void> => {
  const request = Buffer.alloc(16)
  for (const [index, value] of [request.length, CANCEL_CODE, processId, secretKey].entries()) {
    request.writeInt32BE(value, 4 * index)
  }
  await exchange(address, request)
}

// Sends a request and resolves to the first byte of the answer, '' when there is none. Errors are ignored: the real
// connection has the same problem and reports it.
const exchange = (address: Address, request: Buffer): Promise<string> =>
  new Promise((resolve) => {
    const socket = open(address)
    const settle = (answer: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => socket.write(request))
    socket.once('data', (data) => settle(data.toString('latin1', 0, 1)))
    for (const end of ['timeout', 'error', 'close'] as const) socket.once(end, () => settle(''))
  })

const open = ({ host, port, connectTimeoutMs }: Address): Socket =>
  host.startsWith('/')
    ? connect({ path: `${host}/.s.PGSQL.${port}`, timeout: connectTimeoutMs })
    : connect({ host, port, timeout: connectTimeoutMs })
