import { createRequire } from 'node:module'
import type * as tls from 'node:tls'

const require = createRequire(import.meta.url)

/** Loaded when a connection needs it: it takes a sixth of the time that all of the driver takes. */
export const nodeTls = (): typeof tls => require('node:tls') as typeof tls

/** Node says it of no other stream. */
export const isTlsSocket = (stream: object | undefined): stream is tls.TLSSocket =>
  stream !== undefined && 'encrypted' in stream && stream.encrypted === true
