import { createServer, connect, type AddressInfo } from 'node:net'

/**
 * Counts the transactions between a client and the server, connection by connection; a single statement counts as one.
 * Behind a pooler in transaction mode, two transactions may run in two sessions. On a busy machine a command may open a
 * second connection, to see what the first waits for.
 */
export const countTransactions = async (
  url: string,
  work: (url: string) => Promise<void>,
): Promise<readonly number[]> => {
  const server = new URL(url)
  const ready: number[] = []
  const proxy = createServer((client) => {
    // The first ReadyForQuery ends the start-up of the connection; the second answers the pinning of its settings.
    const connection = ready.push(-2) - 1
    const upstream = connect(Number(server.port), server.hostname)
    let rest: Buffer = Buffer.alloc(0)
    client.pipe(upstream)
    upstream.pipe(client)
    upstream.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data])
      for (let size = sizeOf(rest); size <= rest.length; size = sizeOf(rest)) {
        if (String.fromCharCode(rest[0] ?? 0, rest[5] ?? 0) === 'ZI') ready[connection] = (ready[connection] ?? 0) + 1
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

/** Size of the server's first message: one byte of type, then four of length, which includes itself. */
const sizeOf = (bytes: Buffer): number => (bytes.length < 5 ? Infinity : bytes.readInt32BE(1) + 1)
