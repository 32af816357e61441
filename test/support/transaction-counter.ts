import { createServer, connect, type AddressInfo } from 'node:net'

/**
 * Stands between a client and the server and counts the transactions (single statements count as one each).
 * Behind a pooler that hands out a server per transaction, more than one means: not in the same session.
 */
export const countTransactions = async (url: string, work: (url: string) => Promise<void>): Promise<number> => {
  const server = new URL(url)
  // The session itself says once that it is ready, before anything was asked.
  let ready = -1
  const proxy = createServer((client) => {
    const upstream = connect(Number(server.port), server.hostname)
    let rest: Buffer = Buffer.alloc(0)
    client.pipe(upstream)
    upstream.pipe(client)
    upstream.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data])
      for (let size = sizeOf(rest); size <= rest.length; size = sizeOf(rest)) {
        if (String.fromCharCode(rest[0] ?? 0, rest[5] ?? 0) === 'ZI') ready += 1
        rest = rest.subarray(size)
      }
    })
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String((proxy.address() as AddressInfo).port)
  try {
    await work(through.href)
    return ready
  } finally {
    await new Promise((resolve) => proxy.close(resolve))
  }
}

/** Of the first message of the server: one byte for its type, four for its length, which counts itself. */
const sizeOf = (bytes: Buffer): number => (bytes.length < 5 ? Infinity : bytes.readInt32BE(1) + 1)
