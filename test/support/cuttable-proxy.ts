import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'

/** A way to a database that can be cut. */
export interface CuttableProxy {
  /** The database's URL by way of the proxy. */
  readonly url: string
  /** Cuts every connection; new ones are taken. */
  readonly cut: () => void
  /** Cuts every connection and takes no new one. */
  readonly close: () => Promise<void>
}

/** Opens a proxy to the server of a database URL for as long as the work lasts. */
export const withProxy = async (databaseUrl: string, work: (proxy: CuttableProxy) => Promise<void>): Promise<void> => {
  const behind = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    // One end is cut by us or gone with the other; whoever used it hears of it there.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer((near) => {
    const far = keep(connect(Number(behind.port), behind.hostname))
    keep(near).pipe(far).pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const close = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    cut()
    await closed
  }
  try {
    await work({ url: url.href, cut, close })
  } finally {
    await close()
  }
}
