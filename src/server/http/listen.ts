import type { Server } from 'node:http'
import { ExitCode, OperatorError } from '../../errors.js'

/**
 * Starts listening.
 * @returns the port, which differs from the given one when that is 0
 * @param flags those that set host and port
 * @throws OperatorError `address_in_use`, `address_not_available`, `address_not_permitted` or `cannot_listen`
 */
export const listen = (server: Server, host: string, port: number, flags: ListenFlags = FLAGS): Promise<number> =>
  new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(explain(error, authorityOf(host, port), flags))
    server.once('error', fail)
    server.listen({ host, port }, () => {
      server.off('error', fail)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })

export interface ListenFlags {
  readonly host: string
  readonly port: string
}

const FLAGS: ListenFlags = { host: '--host', port: '--port' }

/** `host:port` as written in a URL. */
export const authorityOf = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

interface Explanation {
  readonly code: string
  readonly reason: string
  readonly hint?: (flags: ListenFlags) => string
  readonly exitCode?: ExitCode
}

const NOT_OURS: Explanation = {
  code: 'address_not_available',
  reason: 'this machine has no such address',
  hint: ({ host }) =>
    `use an address of this machine with ${host}: 127.0.0.1 for local clients only, 0.0.0.0 for all networks`,
}

const NOT_PERMITTED: Explanation = {
  code: 'address_not_permitted',
  reason: 'permission denied',
  hint: ({ port }) => `use a port of 1024 or above with ${port}`,
}

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  EADDRINUSE: {
    code: 'address_in_use',
    reason: 'the address is in use',
    hint: ({ port }) => `use another port with ${port}; 0 takes a free one`,
    exitCode: ExitCode.busy,
  },
  EADDRNOTAVAIL: NOT_OURS,
  EAFNOSUPPORT: NOT_OURS,
  ENOTFOUND: NOT_OURS,
  EAI_AGAIN: NOT_OURS,
  EACCES: NOT_PERMITTED,
  EPERM: NOT_PERMITTED,
}

const explain = (cause: NodeJS.ErrnoException, authority: string, flags: ListenFlags): OperatorError => {
  const known: Explanation = EXPLANATIONS[cause.code ?? ''] ?? { code: 'cannot_listen', reason: cause.message }
  const { code, reason, hint, ...rest } = known
  return new OperatorError(code, `cannot listen on ${authority}: ${reason}`, { ...rest, hint: hint?.(flags), cause })
}
