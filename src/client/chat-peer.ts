import { setTimeout as delay } from 'node:timers/promises'
import { ExitCode, OperatorError } from '../errors.js'
import type { ChatAddress } from './chat-address.js'
import { openChatConnection, type Answer } from './chat-connection.js'

/** One guest or operator at a chat server, who joins again whenever the connection was cut. */
export interface ChatPeer {
  /** Makes sure that a chat server can be reached. @throws OperatorError `chat_server_unreachable` */
  connect(): Promise<void>
  /** Makes sure that the server knows who this is; resolves to its answer to the join. */
  join(): Promise<Answer>
  /**
   * Asks until the server has answered for good, after a cut or a silence with the same payload again:
   * a message that is sent must carry a `messageId`.
   * @throws OperatorError `chat_server_unreachable`, or the server's last answer when that was only "later"
   */
  ask(event: string, payload: object): Promise<Answer>
  close(): void
}

export interface PeerOptions {
  readonly address: ChatAddress
  /** The payload of the join; a token that the server gives out is presented from then on. */
  readonly join: Readonly<Record<string, unknown>>
  /** When it fires, nothing is repeated any more. */
  readonly signal: AbortSignal
  /** How long a question is repeated until the server counts as gone. */
  readonly patienceMs?: number | undefined
}

const DEFAULT_PATIENCE_MS = 20_000
/** Longer than a server waits for its database before it says so. */
const LONGEST_WAIT_MS = 15_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000

type Attempt = (timeoutMs: number) => Promise<Answer | undefined>

export const createChatPeer = ({ address, join, signal, patienceMs = DEFAULT_PATIENCE_MS }: PeerOptions): ChatPeer => {
  const connection = openChatConnection(address, signal)
  let token = join.token
  let joined: { readonly connectionId: string | undefined; readonly answer: Answer } | undefined

  const joinOnce: Attempt = async (timeoutMs) => {
    if (joined !== undefined && joined.connectionId === connection.id()) return joined.answer
    const connectionId = connection.id()
    const answer = await connection.emit('join', { ...join, token }, timeoutMs)
    if (answer?.ok !== true) return answer
    token = answer.token ?? token
    joined = { connectionId, answer }
    return answer
  }

  const untilSettled = async (attempt: Attempt): Promise<Answer> => {
    const deadline = Date.now() + patienceMs
    const remainingMs = (): number => Math.max(deadline - Date.now(), 0)
    let lastAnswer: Answer | undefined
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const isConnected = await connection.waitUntilConnected(remainingMs())
      const answer = isConnected ? await attempt(Math.min(remainingMs(), LONGEST_WAIT_MS)) : undefined
      if (answer !== undefined && isFinal(answer)) return answer
      lastAnswer = answer ?? lastAnswer
      signal.throwIfAborted()
      if (remainingMs() <= pause) throw gaveUp(address, connection.problem(), lastAnswer)
      await delay(pause)
    }
  }

  return {
    connect: async () => {
      await untilSettled(() => Promise.resolve({ ok: true }))
    },
    join: () => untilSettled(joinOnce),
    ask: (event, payload) => {
      let attempts = 0
      return untilSettled(async (timeoutMs) => {
        const greeting = await joinOnce(timeoutMs)
        if (greeting?.ok !== true) return greeting
        attempts += 1
        const answer = await connection.emit(event, payload, timeoutMs)
        // What is met may be our own earlier attempt: then this call saved it after all.
        return answer?.ok === true && attempts > 1 ? { ...answer, duplicate: false } : answer
      })
    },
    close: () => connection.close(),
  }
}

/** Repeating would help: the server says so, has only queued the message, or met us before we had joined it again. */
const isFinal = (answer: Answer): boolean => {
  if (answer.ok) return answer.queued !== true
  return answer.error.retryable !== true && answer.error.code !== 'not_joined'
}

const gaveUp = ({ url }: ChatAddress, problem: string, answer: Answer | undefined): OperatorError => {
  if (answer === undefined) {
    return new OperatorError('chat_server_unreachable', `the chat server at ${url} cannot be used: ${problem}`, {
      hint: 'check the URL, and that the server runs: chatkeep serve',
      exitCode: ExitCode.unreachable,
      retryable: true,
    })
  }
  const { code, message } = answer.ok ? QUEUED : answer.error
  return new OperatorError(code, `the chat server keeps no messages: ${message}`, {
    exitCode: ExitCode.unreachable,
    retryable: true,
  })
}

const QUEUED = { code: 'queued', message: 'they wait in its journal for the database' }
