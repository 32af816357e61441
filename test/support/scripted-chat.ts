import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type Socket } from 'socket.io'

export interface Asked {
  readonly event: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** Answers one event, perhaps later; undefined is no answer. `times` counts how often the event was received, this time included. */
export type Script = (asked: Asked, socket: Socket, times: number) => unknown

export interface ScriptedChat {
  readonly url: string
  readonly server: Server
  /** Everything that the server received. */
  readonly asked: readonly Asked[]
}

/** Runs a chat server that answers from a script, for as long as the work lasts. */
export const withScriptedChat = async (script: Script, work: (chat: ScriptedChat) => Promise<void>): Promise<void> => {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = new Server(http, { path: '/chat' })
  const asked: Asked[] = []
  server.on('connection', (socket) => {
    socket.onAny((event: string, payload: Asked['payload'], acknowledge: (answer: unknown) => void) => {
      asked.push({ event, payload })
      const times = asked.filter((one) => one.event === event).length
      void Promise.resolve(script({ event, payload }, socket, times)).then((answer) => {
        if (answer !== undefined) acknowledge(answer)
      })
    })
  })
  const { port } = http.address() as AddressInfo
  try {
    await work({ url: `http://127.0.0.1:${port}/chat`, server, asked })
  } finally {
    await server.close()
  }
}

/** Cuts the connection instead of answering. */
export const cut = (socket: Socket): unknown => {
  socket.conn.close()
  return undefined
}
