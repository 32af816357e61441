import type { ChatSocket } from '../chat-io.js'

type Connection = ChatSocket['conn']

/**
 * Ends a connection when too many characters wait for a client that does not read, since Engine.IO buffers without limit. Data
 * being sent does not count, nor does the one packet that exceeds the limit, so a large page of history passes a slow line.
 * The client finds missed messages by `history` after it reconnects.
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

/** Drops the connection with its buffer. A graceful close would wait for the client to read. */
export const terminate = (connection: Connection): void => {
  // Engine.IO's types hide the WebSocket; without this it stays open with its buffers for half a minute after `close`.
  const { socket } = connection.transport as unknown as { readonly socket?: { terminate?(): void } }
  connection.close(true)
  socket?.terminate?.()
}
