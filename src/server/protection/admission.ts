import type { IncomingMessage } from 'node:http'
import type { ChatLog } from '../../chat-log.js'
import type { InFlight } from '../../concurrency/in-flight.js'

export interface Admission {
  readonly inFlight: InFlight
  /** Web origins that may connect beside the server's own; `*` for all. */
  readonly origins: readonly string[]
  readonly log: ChatLog
}

/** The form of Engine.IO's `allowRequest`; asked once for each new connection. */
export type AllowRequest = (
  request: Pick<IncomingMessage, 'headers'>,
  answer: (reason: string | null, allowed: boolean) => void,
) => void

/** No real one is longer; a header may be, up to 16 kB. */
const LONGEST_ORIGIN_SHOWN = 200

/**
 * Decides who may connect. Browsers enforce CORS for HTTP, but let any page open a WebSocket to anywhere, so the origin is
 * checked here for both. What sends no origin is no browser. While the server drains, the connections it has go on
 * (a polling client needs new requests for its last acknowledgements), but no new ones come in.
 */
export const createAdmission =
  ({ inFlight, origins, log }: Admission): AllowRequest =>
  ({ headers }, answer) => {
    const { origin, host } = headers
    const isAllowed = origin === undefined || origins.includes('*') || origins.includes(origin) || isOwn(origin, host)
    const shown = origin?.slice(0, LONGEST_ORIGIN_SHOWN)
    if (!isAllowed)
      log.warn({ event: 'origin_refused', origin: shown }, 'a connection was refused: its origin is not allowed')
    const reason = inFlight.closing ? 'the server is shutting down' : isAllowed ? null : 'this origin is not allowed'
    answer(reason, reason === null)
  }

const isOwn = (origin: string, host: string | undefined): boolean =>
  host !== undefined && URL.canParse(origin) && new URL(origin).host === host
