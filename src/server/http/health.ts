import { blockageBehind, describeBlockage } from '../../database/blockers.js'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { ChatStore } from '../../persistence/chat-store.js'
import { OperatorError } from '../../errors.js'
import type { ChatLog } from '../../chat-log.js'
import type { InFlight } from '../../concurrency/in-flight.js'
import { errorFields } from '../error-fields.js'
import type { JournalState } from '../keeping/journal-health.js'

export interface HealthParts {
  readonly store: ChatStore
  readonly inFlight: InFlight
  readonly journalState: () => JournalState | undefined
  /** Whether a probe is of the machine itself and may read codes and counts. */
  readonly isOurs: (request: IncomingMessage) => boolean
  readonly log: ChatLog
}

/** Why the server cannot serve, as an error code; undefined when it can. */
type Problem = string | undefined

const CLOSING = 'server_closing'

/** Probes within this time share one query, however many arrive. */
const ASK_AGAIN_AFTER_MS = 1_000

export interface Health {
  readonly listener: RequestListener
  /** Whether a message could be stored now; takes two seconds at most. */
  isReady(): Promise<boolean>
}

/**
 * Answers `/healthz` (does the process serve?) and `/readyz` (could it store a message now?): 200, or 503 with a code.
 * Every other path is 404. A stranger is told only whether it is so.
 */
export const createHealth = ({ store, inFlight, journalState, isOurs, log }: HealthParts): Health => {
  const readProblem = onceASecond(async (): Promise<Problem> => {
    try {
      await store.checkReady()
      return undefined
    } catch (error) {
      log.warn(
        { event: 'not_ready', ...errorFields(error), ...lockOf(error) },
        'not ready: a message could not be stored now',
      )
      return error instanceof OperatorError ? error.code : 'internal'
    }
  })
  const readiness = async (): Promise<Problem> => (inFlight.closing ? CLOSING : readProblem())
  const PROBES: Readonly<Record<string, () => Promise<Problem>>> = {
    '/healthz': () => Promise.resolve(inFlight.closing ? CLOSING : undefined),
    '/readyz': readiness,
  }
  const listener: RequestListener = (request, response) => {
    const { method, url = '' } = request
    const [path = ''] = url.split('?')
    const probe = Object.hasOwn(PROBES, path) ? PROBES[path] : undefined
    if (probe === undefined) response.writeHead(404).end()
    else if (method !== 'GET' && method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end()
    else
      void probe().then((problem) => {
        // The journal says whether messages are accepted nevertheless.
        const journal = problem === CLOSING ? undefined : journalState()
        answer(response, problem === undefined, isOurs(request) ? { code: problem, ...journal } : {})
      })
  }
  return { listener, isReady: async () => (await readiness()) === undefined }
}

// Names the session that holds the lock, for the person who has to end it; never what it runs.
const lockOf = (error: unknown): { readonly lock?: string } => {
  const blockage = error instanceof Error ? blockageBehind(error.cause) : undefined
  return blockage === undefined ? {} : { lock: describeBlockage(blockage) }
}

const answer = (response: ServerResponse, ok: boolean, details: object): void => {
  const body = JSON.stringify({ ok, ...details })
  response
    .writeHead(ok ? 200 : 503, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    })
    // Node omits the body in the answer to HEAD.
    .end(body)
}

/** Asks again only when the last answer is old; until then all callers share it. */
const onceASecond = <T>(ask: () => Promise<T>): (() => Promise<T>) => {
  let last: Promise<T> | undefined
  let answeredAt = 0
  return () => {
    if (last !== undefined && performance.now() - answeredAt < ASK_AGAIN_AFTER_MS) return last
    answeredAt = Infinity
    last = ask().finally(() => {
      answeredAt = performance.now()
    })
    return last
  }
}
