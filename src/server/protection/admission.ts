import type { IncomingMessage } from 'node:http'
import type { ChatLog } from '../../chat-log.js'
import type { InFlight } from '../../concurrency/in-flight.js'

export interface Admission {
  readonly inFlight: InFlight
  /** Web origins that may connect, besides the server's own; `*` for all. */
  readonly origins: readonly string[]
  readonly log: ChatLog
}

/** Engine.IO's `allowRequest`, called once for each new connection. */
export type AllowRequest = (
  request: Pick<IncomingMessage, 'headers'>,
  answer: (reason: string | null, allowed: boolean) => void,
) => void

/** Longer than any real origin; a header may have up to 16 kB. */
const LONGEST_ORIGIN_SHOWN = 200

/**
 * Decides who may connect. Browsers enforce CORS for HTTP, but let any page open a WebSocket to any server, so the origin is
 * checked here for both; only browsers send one. During a shutdown existing connections continue (a polling client needs new
 * requests for its last acknowledgements), and new ones are refused.
 */
export const createAdmission =
  ({ inFlight, origins, log }: Admission): AllowRequest =>
  ({ headers }, answer) => {
    const { origin, host } = headers
    const isAllowed = origin === undefined || origins.includes('*') || origins.includes(origin) || isOwn(origin, host)
    const shown = origin?.slice(0, LONGEST_ORIGIN_SHOWN)
    if (!isAllowed) log.warn({ event: 'origin_refused', origin: shown }, 'connection refused: origin not allowed')
    const reason = inFlight.closing ? 'the server is shutting down' : isAllowed ? null : 'this origin is not allowed'
    answer(reason, reason === null)
  }

const isOwn = (origin: string, host: string | undefined): boolean =>
  host !== undefined && URL.canParse(origin) && new URL(origin).host === host
