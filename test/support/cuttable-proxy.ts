import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'

/** A proxy in front of a database server whose connections a test can cut. */
export interface CuttableProxy {
  /** The database's URL through the proxy. */
  readonly url: string
  /** Cuts every connection; accepts new ones. */
  readonly cut: () => void
  /** Sends new connections to the server of another URL, as a floating address does. */
  readonly pointAt: (databaseUrl: string) => void
  /** Cuts every connection and refuses new ones. */
  readonly close: () => Promise<void>
}

/** What happens to bytes: `drop` loses them silently, as a link that is dead in one direction does. */
export type Verdict = 'pass' | 'pass, then cut' | 'drop, and cut' | 'drop'

/** Decides about the bytes of one connection before they are passed on. */
export interface Tap {
  readonly fromClient: (bytes: Buffer) => Verdict
  readonly fromServer: (bytes: Buffer) => Verdict
}

const OPEN_TAP: Tap = { fromClient: () => 'pass', fromServer: () => 'pass' }

/** Opens a proxy to the server of a database URL for as long as the work lasts. */
export const withProxy = async (
  databaseUrl: string,
  work: (proxy: CuttableProxy) => Promise<void>,
  makeTap: () => Tap = () => OPEN_TAP,
): Promise<void> => {
  let behind = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    // A cut, or the other end's close: client and server see their own errors.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer((near) => {
    const far = keep(connect(Number(behind.port), behind.hostname))
    const { fromClient, fromServer } = makeTap()
    join(keep(near), far, fromClient)
    join(far, near, fromServer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const pointAt = (other: string): void => {
    behind = new URL(other)
  }
  const close = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    cut()
    await closed
  }
  try {
    await work({ url: url.href, cut, pointAt, close })
  } finally {
    await close()
  }
}

const join = (from: Socket, to: Socket, judge: (bytes: Buffer) => Verdict): void => {
  let isCut = false
  from.on('data', (bytes: Buffer) => {
    if (isCut) return
    const verdict = judge(bytes)
    if (verdict === 'pass' || verdict === 'pass, then cut') to.write(bytes)
    if (verdict === 'pass' || verdict === 'drop') return
    isCut = true
    from.destroy()
  })
  // destroySoon: what was written before still arrives.
  from.on('close', () => to.destroySoon())
}
