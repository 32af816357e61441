import type { ChatSocket } from '../chat-io.js'

type Connection = ChatSocket['conn']

/**
 * Ends a connection when too much waits for a client that does not read: Engine.IO would keep all of it. What is being sent
 * does not count, nor does the one packet that is over the limit, so a large page of history goes through a slow line.
 * The client finds what it missed by `history` when it is back; nobody else waits for it.
 */
export const endWhenUnread = (connection: Connection, maxCharacters: number, onEnd: () => void): void => {
  let waiting = 0
  connection.on('flush', () => {
    waiting = 0
  })
  connection.on('packetCreate', ({ data }: { readonly data?: string | Buffer }) => {
    if (waiting > maxCharacters) {
      onEnd()
      terminate(connection)
      return
    }
    waiting += data?.length ?? 0
  })
}

/** Drops the connection with all that waits for it. A polite end would wait for the client to read. */
export const terminate = (connection: Connection): void => {
  // Engine.IO shows no way to the WebSocket in its types; it would stay half a minute after `close`, with its buffers.
  const { socket } = connection.transport as unknown as { readonly socket?: { terminate?(): void } }
  connection.close(true)
  socket?.terminate?.()
}
