import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Runs the work behind a proxy that gives sessions process ids of its own, as connection poolers do. */
export const withOwnProcessIds = async (databaseUrl: string, work: (url: string) => Promise<void>): Promise<void> => {
  const url = new URL(databaseUrl)
  const { hostname, port } = url
  const sockets: Socket[] = []
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname)
    sockets.push(client, server)
    for (const socket of [client, server]) socket.on('error', () => socket.destroy())
    client.pipe(server)
    server.on('data', (chunk: Buffer) => client.write(withOtherProcessId(chunk)))
    server.on('end', () => client.end())
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  url.hostname = '127.0.0.1'
  url.port = String((proxy.address() as AddressInfo).port)
  try {
    await work(url.href)
  } finally {
    for (const socket of sockets) socket.destroy()
    proxy.close()
    await once(proxy, 'close')
  }
}

/** The message BackendKeyData: its type, its length, the process id, the key. */
const KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12])

// The server sends it with the last message of the start-up, before the first answer to a query.
const withOtherProcessId = (chunk: Buffer): Buffer => {
  const at = chunk.indexOf(KEY_DATA)
  if (at < 0) return chunk
  const changed = Buffer.from(chunk)
  changed.writeInt32BE(1, at + KEY_DATA.length)
  return changed
}
