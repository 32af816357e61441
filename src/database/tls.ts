import { connect } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { ConnectionTarget } from './connection-target.js'

/** The eight bytes that ask a PostgreSQL server for TLS (protocol documentation, message SSLRequest). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

/**
 * Settles `negotiate`: TLS without certificate check when the server offers it, plain otherwise, as libpq's `prefer` does.
 * node-postgres knows no such mode, so the server is asked once on a connection of its own.
 */
export const settleTls = async (target: ConnectionTarget): Promise<false | ConnectionOptions> => {
  if (target.tls === 'off') return false
  if (target.tls !== 'negotiate') return target.tls
  return (await offersTls(target)) ? { rejectUnauthorized: false } : false
}

// Whatever goes wrong here goes wrong again, and is reported, when the real connection is made.
const offersTls = ({ host, port, connectTimeoutMs }: ConnectionTarget): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: connectTimeoutMs })
    const settle = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => socket.write(SSL_REQUEST))
    socket.once('data', (data) => settle(data[0] === 'S'.charCodeAt(0)))
    socket.once('timeout', () => settle(false))
    socket.once('error', () => settle(false))
    socket.once('close', () => settle(false))
  })
