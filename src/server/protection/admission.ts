import type { IncomingMessage } from 'node:http'
import type { InFlight } from '../../concurrency/in-flight.js'
import type { OwnHosts } from './own-hosts.js'
import type { WarnRarely } from '../../rare-log.js'

export interface Admission {
  readonly inFlight: InFlight
  /** Whether every origin may connect, and host. */
  readonly allowsAll: boolean
  /** Whether pages of this origin may connect, besides the server's own. */
  readonly allowsOrigin: (origin: string) => boolean
  readonly ownHosts: OwnHosts
  readonly warnRarely: WarnRarely
}

/** Engine.IO's `allowRequest`, called once for each new connection, by WebSocket or polling. */
export type AllowRequest = (
  request: Pick<IncomingMessage, 'headers'> & { readonly socket: object },
  answer: (reason: string | null, allowed: boolean) => void,
) => void

/** Longer than any real origin or host; a header may have up to 16 kB. */
const LONGEST_SHOWN = 200

/**
 * Decides who may connect. Browsers enforce CORS for HTTP, but let any page open a WebSocket to any server, so the origin is
 * checked here for both. A request without an origin is of no browser, or of a page that passes for the server's own: then the
 * host decides. During a shutdown existing connections continue (a polling client needs new requests for its last
 * acknowledgements), and new ones are refused.
 */
export const createAdmission =
  ({ inFlight, allowsAll, allowsOrigin, ownHosts, warnRarely }: Admission): AllowRequest =>
  ({ headers, socket }, answer) => {
    const { origin } = headers
    // HTTP/2 has a field of its own for it.
    const host = headers.host ?? [headers[':authority'] ?? []].flat()[0]
    const scheme = isEncrypted(socket) ? 'https' : 'http'
    if (inFlight.closing) answer('the server is shutting down', false)
    else if (allowsAll) answer(null, true)
    else if (origin === undefined && !ownHosts.isOwnHost(host)) {
      warnRarely(
        { event: 'host_refused', host: shown(host) },
        'connection refused: unknown host; allow it with --public-host',
      )
      answer('this host is not allowed', false)
    } else if (origin !== undefined && !allowsOrigin(origin) && !ownHosts.isOwnOrigin(origin, host, scheme)) {
      warnRarely({ event: 'origin_refused', origin: shown(origin) }, 'connection refused: origin not allowed')
      answer('this origin is not allowed', false)
    } else answer(null, true)
  }

const isEncrypted = (socket: { readonly encrypted?: boolean }): boolean => socket.encrypted === true

const shown = (header: string | undefined): string | undefined => header?.slice(0, LONGEST_SHOWN)
