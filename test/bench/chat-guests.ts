import { io, type Socket } from 'socket.io-client'
import { checkFailed } from './check-failed.js'

export interface BenchGuest {
  /** Resolves when the message is acknowledged. @throws when it is refused or not answered */
  send(message: Readonly<Record<string, unknown>>): Promise<void>
}

/** The people of one chat: guests, and an operator who gets what they write. */
export interface BenchChat {
  readonly guests: readonly BenchGuest[]
  /** @throws when that many messages do not arrive */
  untilOperatorGot(messages: number): Promise<void>
  close(): void
}

const PATIENCE_MS = 20_000
/** Connected at the same time; more would only wait for one another. */
const CONNECTING = 50

/** Connects and joins them all, over websocket. */
export const connectChat = async (url: string, operatorToken: string, guests: number): Promise<BenchChat> => {
  const sockets: Socket[] = []
  const { origin, pathname: path } = new URL(url)
  const join = async (payload: Readonly<Record<string, unknown>>): Promise<Socket> => {
    const socket = io(origin, { path, transports: ['websocket'], forceNew: true, reconnection: false })
    sockets.push(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
    await ask(socket, 'join', payload)
    return socket
  }
  const close = (): void => {
    for (const socket of sockets) socket.disconnect()
  }
  try {
    const operator = await join({ role: 'operator', name: 'operator', operatorId: null, token: operatorToken })
    const arrivals = countArrivals(operator)
    const joined: Socket[] = []
    for (let begun = 0; begun < guests; begun += CONNECTING) {
      const some = Array.from({ length: Math.min(CONNECTING, guests - begun) }, (_, index) =>
        join({ role: 'client', username: `guest ${begun + index + 1}` }),
      )
      joined.push(...(await Promise.all(some)))
    }
    return {
      guests: joined.map((socket) => ({ send: (message) => ask(socket, 'clientMessage', message) })),
      untilOperatorGot: arrivals,
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

const ask = async (socket: Socket, event: string, payload: Readonly<Record<string, unknown>>): Promise<void> => {
  const answer: unknown = await socket.timeout(PATIENCE_MS).emitWithAck(event, payload)
  const isOk = typeof answer === 'object' && answer !== null && 'ok' in answer && answer.ok === true
  if (!isOk) throw checkFailed(`${event} was answered with ${JSON.stringify(answer)}`)
}

const countArrivals = (operator: Socket): ((messages: number) => Promise<void>) => {
  let arrived = 0
  let wake: () => void = () => undefined
  operator.on('incomingMessage', () => {
    arrived += 1
    wake()
  })
  return async (messages) => {
    const timer = setTimeout(() => wake(), PATIENCE_MS)
    const deadline = performance.now() + PATIENCE_MS
    while (arrived < messages && performance.now() < deadline) {
      await new Promise<void>((resolve) => (wake = resolve))
    }
    clearTimeout(timer)
    if (arrived !== messages) throw checkFailed(`the operator got ${arrived} messages of ${messages}`)
  }
}
