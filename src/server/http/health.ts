import { connectionRefusal } from '../../database/connection-failure.js'
import { blockageBehind, describeBlockage } from '../../database/blockers.js'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { ChatStore } from '../../persistence/chat-store.js'
import { OperatorError } from '../../errors.js'
import type { ChatLog } from '../../chat-log.js'
import type { InFlight } from '../../concurrency/in-flight.js'
import { withDeadline } from '../../concurrency/with-deadline.js'
import { errorFields } from '../error-fields.js'
import { isForJournal } from '../keeping/journalled-sink.js'
import type { MessageSink } from '../keeping/message-sink.js'
import { reasonOf } from '../keeping/sink-mode.js'

export interface HealthParts {
  readonly store: ChatStore
  readonly inFlight: InFlight
  /** Undefined until the server listens. */
  readonly sink: () => MessageSink
  /** Whether a probe is of the machine itself and may read codes and counts. */
  readonly isOurs: (request: IncomingMessage) => boolean
  readonly log: ChatLog
}

/** What keeps messages out of the database. */
interface Obstacle {
  readonly code: string
  /** Why the database refuses connections, in its words. */
  readonly reason?: string | undefined
  /** Whether a journal takes them meanwhile. */
  readonly isForJournal: boolean
}

const CLOSING: Obstacle = { code: 'server_closing', isForJournal: false }
const NO_ANSWER: Obstacle = { code: 'database_unavailable', isForJournal: true }

/** Probes within this time share one query, however many arrive. */
const ASK_AGAIN_AFTER_MS = 1_000

/** A server with a journal answers without the database: load balancers wait one or two seconds. */
const DATABASE_WAIT_MS = 500

export interface Health {
  readonly listener: RequestListener
  /** Whether a message could be stored in the database now; takes two seconds at most. */
  isReady(): Promise<boolean>
}

interface Answer {
  readonly ok: boolean
  /** For this machine only. */
  readonly details: object
}

/**
 * Answers `/healthz` (does the process serve?) and `/readyz` (would it take a message now?): 200, or 503 with a code.
 * Every other path is 404. A stranger is told only whether it is so.
 */
export const createHealth = ({ store, inFlight, sink, isOurs, log }: HealthParts): Health => {
  const askDatabase = onceASecond(async (): Promise<Obstacle | undefined> => {
    try {
      await store.checkReady()
      return undefined
    } catch (error) {
      log.warn(
        { event: 'not_ready', ...errorFields(error), ...lockOf(error) },
        'not ready: a message could not be stored now',
      )
      const code = error instanceof OperatorError ? error.code : 'internal'
      return { code, reason: connectionRefusal(error), isForJournal: isForJournal(error) }
    }
  })
  const tryJournal = onceASecond(() => sink().tryJournal())

  const findObstacle = async (): Promise<Obstacle | undefined> => {
    if (inFlight.closing) return CLOSING
    const mode = sink().mode()
    if (mode.kind !== 'direct') return { code: reasonOf(mode), isForJournal: true }
    if (sink().journalState() === undefined) return askDatabase()
    return withDeadline(DATABASE_WAIT_MS, askDatabase).catch(() => NO_ANSWER)
  }

  const liveness = (): Promise<Answer> => {
    const details = inFlight.closing ? { code: CLOSING.code } : { ...sink().journalState() }
    return Promise.resolve({ ok: !inFlight.closing, details })
  }
  const readiness = async (): Promise<Answer> => {
    const obstacle = await findObstacle()
    if (obstacle === CLOSING) return { ok: false, details: { code: CLOSING.code } }
    if (obstacle?.isForJournal === true) await tryJournal()
    const state = sink().journalState()
    const isQueueing = obstacle?.isForJournal === true && state?.journal === 'taking'
    const ok = obstacle === undefined || isQueueing
    const destination = ok && state !== undefined ? { destination: isQueueing ? 'journal' : 'database' } : {}
    return { ok, details: { code: obstacle?.code, reason: obstacle?.reason, ...destination, ...state } }
  }
  const PROBES: Readonly<Record<string, () => Promise<Answer>>> = { '/healthz': liveness, '/readyz': readiness }

  const listener: RequestListener = (request, response) => {
    const { method, url = '' } = request
    const [path = ''] = url.split('?')
    const probe = Object.hasOwn(PROBES, path) ? PROBES[path] : undefined
    if (probe === undefined) response.writeHead(404).end()
    else if (method !== 'GET' && method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end()
    else void probe().then(({ ok, details }) => answer(response, ok, isOurs(request) ? details : {}))
  }
  const isReady = async (): Promise<boolean> =>
    (!inFlight.closing && sink().mode().kind === 'draining') || (await findObstacle()) === undefined
  return { listener, isReady }
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
