import { io, type Socket } from 'socket.io-client'
import { expect } from './database.js'
import type { Transport } from './socket-chat.js'
import { until } from './until.js'

/** A widget as people write them: the stock client, no acknowledgements, a join on every `connect`. */
export interface Widget {
  readonly socket: Socket
  /** What it shows. */
  readonly shown: readonly string[]
  readonly clientId: () => string
  readonly token: () => string
  /** Waits until it shows these, and no others. */
  readonly shows: (...messages: readonly string[]) => Promise<void>
  /** The answers in the form for older widgets. */
  readonly older: readonly string[]
  readonly joins: () => number
  readonly offsets: () => number
}

interface WidgetOptions {
  readonly transport?: Transport
  readonly token?: string
  readonly auth?: Readonly<Record<string, unknown>>
}

/** Runs a widget for the work. */
export const withWidget = async (
  port: number,
  { transport = 'websocket', token, auth = {} }: WidgetOptions,
  work: (widget: Widget) => Promise<void>,
): Promise<void> => {
  const socket = io(`http://127.0.0.1:${port}`, {
    ...{ path: '/chat', forceNew: true, transports: [transport], auth },
    ...{ reconnectionDelay: 50, reconnectionDelayMax: 100 },
  })
  const [shown, older]: [string[], string[]] = [[], []]
  const joined: { readonly clientId: string; readonly token: string }[] = []
  socket.on('connect', () => socket.emit('join', { role: 'client', username: 'ana', token }))
  socket.on('joined', (welcome: (typeof joined)[number]) => joined.push(welcome))
  // Listeners in other languages take a fixed number of arguments.
  socket.on('operatorMessage', (...args: { message: string }[]) => shown.push(...args.map(({ message }) => message)))
  socket.on('incomingOperatorMessage', (...args: { message: string }[]) =>
    older.push(...args.map(({ message }) => message)),
  )
  let offsets = 0
  socket.on('position', () => (offsets += 1))
  const last = () => joined.at(-1) ?? { clientId: '', token: '' }
  try {
    await until(() => joined.length > 0, { what: 'the widget has joined' })
    await work({
      ...{ socket, shown, older },
      clientId: () => last().clientId,
      token: () => last().token,
      joins: () => joined.length,
      offsets: () => offsets,
      shows: async (...messages) => {
        await until(() => older.length >= messages.length, { what: `${messages.length} answers` })
        expect(shown).toEqual(messages)
        expect(older).toEqual(messages)
      },
    })
  } finally {
    socket.disconnect()
  }
}

/** Waits until the widget has an offset, and what was sent to it so far. */
export const settled = async ({ socket, offsets }: Widget): Promise<void> => {
  await until(() => offsets() > 0, { what: 'the widget has an offset' })
  await socket.timeout(15_000).emitWithAck('history', { limit: 1 })
}

/** Disconnects the widget for the work. */
export const whileAway = async (widget: Widget, work: () => Promise<void>): Promise<void> => {
  const { socket, joins } = widget
  await settled(widget)
  const before = joins()
  socket.disconnect()
  await work()
  socket.connect()
  await until(() => joins() > before, { what: 'the widget has joined again' })
}
