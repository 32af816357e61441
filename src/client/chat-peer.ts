import { pause as pauseFor } from '../concurrency/abortable.js'
import { ExitCode, OperatorError } from '../errors.js'
import { slowestTransferMs } from '../protocol/transfer-time.js'
import type { Answer } from './answer.js'
import type { ChatAddress } from './chat-address.js'
import { openChatConnection } from './chat-connection.js'
import { refuseLarge, refuseLargeJoin } from './size-limit.js'

/** One guest or operator at a chat server, who joins again after every reconnect. */
export interface ChatPeer {
  /** Resolves when the chat server is reached. @throws OperatorError `chat_server_unreachable` */
  connect(): Promise<void>
  /** Joins, unless joined already; resolves to the server's answer. */
  join(): Promise<Answer>
  /**
   * Sends an event until there is a final answer; after a lost connection or a time-out, with the same payload again. A message
   * therefore needs a `messageId`.
   * @throws OperatorError `chat_server_unreachable`, or the server's last retryable refusal
   */
  ask(event: string, payload: object, onAttempt?: OnAttempt): Promise<Answer>
  close(): void
}

/** A peer that also listens to the events that the server emits. */
export interface ListeningPeer extends ChatPeer {
  /**
   * Reconnects and joins again after every cut; resolves when the server refuses the join.
   * @throws the signal's reason, or OperatorError `not_a_chat_server`
   */
  stayJoined(): Promise<void>
  /** Listens to an event that the server emits. @returns a function that removes the listener */
  on(event: string, listener: (payload: unknown) => void): () => void
  /** The server's last answer to a join that succeeded; undefined before the first. */
  readonly welcome: Welcome | undefined
}

export type Welcome = Extract<Answer, { readonly ok: true }>

/** The start or the outcome of one attempt. */
export type AttemptOutcome = 'sent' | 'ok' | 'queued' | 'refused' | 'no answer'
export type OnAttempt = (outcome: AttemptOutcome, code?: string) => void

export interface PeerOptions {
  readonly address: ChatAddress
  /** The payload of the join; once the server has issued a token, that token is sent instead. */
  readonly join: Readonly<Record<string, unknown>>
  /** When it fires, nothing is repeated. */
  readonly signal: AbortSignal
  /**
   * How long a request is repeated before the server counts as unreachable; may be Infinity. The time that a large message is on its
   * way does not count.
   */
  readonly patienceMs?: number | undefined
  /** Time-out of one answer. */
  readonly answerTimeoutMs?: number | undefined
  /** Whether a message in the server's journal counts as kept, or is sent again until it is stored. */
  readonly whenQueued?: 'kept' | 'ask again' | undefined
}

const DEFAULT_PATIENCE_MS = 20_000
/** Longer than the time after which a server answers `database_unavailable`. */
const LONGEST_WAIT_MS = 15_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000

type Attempt = (timeoutMs: number) => Promise<Answer | undefined>

export const createChatPeer = ({
  address,
  join,
  signal: stop,
  patienceMs = DEFAULT_PATIENCE_MS,
  answerTimeoutMs = LONGEST_WAIT_MS,
  whenQueued = 'ask again',
}: PeerOptions): ListeningPeer => {
  // A signal of its own: Node reports hundreds of listeners on one signal as a leak.
  const signal = AbortSignal.any([stop])
  const connection = openChatConnection(address, signal)
  let welcome: Welcome | undefined
  let joining: { readonly connectionId: string | undefined; readonly answer: Promise<Answer | undefined> } | undefined

  // Requests during a join on this connection wait for that join.
  const joinOnce: Attempt = async (timeoutMs) => {
    const connectionId = connection.id()
    if (joining !== undefined && joining.connectionId === connectionId) return joining.answer
    const mine = { connectionId, answer: greet(timeoutMs) }
    joining = mine
    const isJoined = await mine.answer.then(
      (answer) => answer?.ok === true,
      () => false,
    )
    if (!isJoined && joining === mine) joining = undefined
    return mine.answer
  }

  const greet: Attempt = async (timeoutMs) => {
    const payload = { ...join, token: welcome?.token ?? join.token }
    const answer = refuseLargeJoin(payload) ?? (await connection.emit('join', payload, timeoutMs))
    if (answer?.ok === true) welcome = answer
    return answer
  }

  const isFinal = (answer: Answer): boolean =>
    answer.ok ? answer.queued !== true || whenQueued === 'kept' : answer.error.retryable !== true

  const untilSettled = async (attempt: Attempt, withinMs = patienceMs, transferMs = 0): Promise<Answer> => {
    let deadline = Date.now() + withinMs
    const remainingMs = (): number => Math.max(deadline - Date.now(), 0)
    let lastAnswer: Answer | undefined
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const isConnected = await connection.waitUntilConnected(Math.min(remainingMs(), LONGEST_WAIT_MS))
      const startedAt = Date.now()
      const answer = isConnected
        ? await attempt(Math.min(remainingMs(), patienceMs, answerTimeoutMs) + transferMs)
        : undefined
      if (answer !== undefined && isFinal(answer)) return answer
      deadline += Math.min(Date.now() - startedAt, transferMs)
      lastAnswer = answer ?? lastAnswer
      signal.throwIfAborted()
      if (remainingMs() <= pause) throw gaveUp(address, connection.problem(), lastAnswer)
      await pauseFor(pause, signal)
    }
  }

  return {
    connect: async () => {
      await untilSettled(() => Promise.resolve({ ok: true }))
    },
    join: () => untilSettled(joinOnce),
    stayJoined: async () => {
      while ((await untilSettled(joinOnce, Infinity)).ok) {
        await connection.untilDisconnected()
        await pauseFor(FIRST_PAUSE_MS, signal)
      }
    },
    ask: (event, payload, onAttempt) => {
      let attempts = 0
      const send: Attempt = async (timeoutMs) => {
        const greeting = await joinOnce(timeoutMs)
        if (greeting?.ok !== true) return greeting
        const tooLarge = refuseLarge(event, payload, greeting.maxMessageBytes)
        if (tooLarge !== undefined) return tooLarge
        attempts += 1
        onAttempt?.('sent')
        const answer = await connection.emit(event, payload, timeoutMs)
        onAttempt?.(...outcomeOf(answer))
        // The duplicate may be an earlier attempt of this call, which then saved the message.
        return answer?.ok === true && attempts > 1 ? { ...answer, duplicate: false } : answer
      }
      // A large message that is sent again while it is still on its way would never arrive.
      return untilSettled(send, patienceMs, slowestTransferMs(charactersIn(payload)))
    },
    on: (event, listener) => connection.on(event, listener),
    get welcome() {
      return welcome
    },
    close: () => connection.close(),
  }
}

const charactersIn = (payload: object): number =>
  Object.values(payload).reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0)

const outcomeOf = (answer: Answer | undefined): Parameters<OnAttempt> => {
  if (answer === undefined) return ['no answer']
  if (!answer.ok) return ['refused', answer.error.code]
  return [answer.queued === true ? 'queued' : 'ok']
}

const gaveUp = ({ url }: ChatAddress, problem: string, answer: Answer | undefined): OperatorError => {
  if (answer === undefined) {
    return new OperatorError('chat_server_unreachable', `the chat server at ${url} is unavailable: ${problem}`, {
      hint: 'check the URL and that the server is running: chatkeep serve',
      exitCode: ExitCode.unreachable,
      retryable: true,
    })
  }
  const { code, message } = answer.ok ? QUEUED : answer.error
  return new OperatorError(code, `the chat server stores no messages: ${message}`, {
    exitCode: ExitCode.unreachable,
    retryable: true,
  })
}

const QUEUED = { code: 'queued', message: 'they are in its journal and wait for the database' }
