import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import pg from 'pg'

export interface SmallPoolerOptions {
  /** When a client's server session goes back into the pool. */
  readonly mode: 'session' | 'transaction'
  /** `apart`: each client has a pool of its own, as behind a load balancer of several poolers that are idle. */
  readonly pools?: 'one' | 'apart'
  /** Answers what only pgpool-II answers, as if there were two servers. */
  readonly isPgpool?: boolean
}

/** Runs the work behind a connection pooler, whose sessions have process ids of its own, as PgBouncer's have. */
export const withSmallPooler = async (
  databaseUrl: string,
  options: SmallPoolerOptions,
  work: (url: string) => Promise<void>,
): Promise<void> => {
  const everyone = createPool(databaseUrl)
  const all = [everyone]
  const clients: Socket[] = []
  const pooler = createServer((client) => {
    clients.push(client.setNoDelay(true))
    if (options.pools === 'apart') all.push(createPool(databaseUrl))
    serve(client, all.at(-1) ?? everyone, options)
  }).listen(0, '127.0.0.1')
  await once(pooler, 'listening')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((pooler.address() as AddressInfo).port)
  try {
    await work(url.href)
  } finally {
    for (const client of clients) client.destroy()
    for (const pool of all) pool.close()
    pooler.close()
    await once(pooler, 'close')
  }
}

/** A session on the server; whoever holds it, hears it. */
interface ServerSession {
  readonly stream: Socket
  readonly cancel: () => void
}

interface Pool {
  take(): Promise<ServerSession>
  give(session: ServerSession): void
  close(): void
}

const createPool = (databaseUrl: string): Pool => {
  const all: ServerSession[] = []
  const free: ServerSession[] = []
  const open = async (): Promise<ServerSession> => {
    const session = await openSession(databaseUrl)
    all.push(session)
    return session
  }
  return {
    // The last that was given back, as PgBouncer does.
    take: () => Promise.resolve(free.pop() ?? open()),
    give: (session) => free.push(session),
    close: () => all.forEach(({ stream }) => stream.destroy()),
  }
}

/** A client of node-postgres logs in; then its stream is ours. */
const openSession = async (databaseUrl: string): Promise<ServerSession> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  client.on('error', () => undefined)
  await client.connect()
  const wire = client as unknown as {
    readonly connection: { readonly stream: Socket }
    readonly processID: number
    readonly secretKey: number
  }
  const { stream } = wire.connection
  stream.removeAllListeners('data').on('error', () => undefined)
  return { stream, cancel: () => requestCancel(databaseUrl, wire.processID, wire.secretKey) }
}

const CANCEL_CODE = 80_877_102
const SSL_CODE = 80_877_103

const requestCancel = (databaseUrl: string, processId: number, key: number): void => {
  const { hostname, port } = new URL(databaseUrl)
  connect(Number(port), hostname).end(int32s(16, CANCEL_CODE, processId, key))
}

const int32s = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => bytes.writeInt32BE(value, 4 * index))
  return bytes
}

/** What a client that sends this secret wants to cancel. */
const cancels = new Map<number, () => void>()

const serve = (client: Socket, pool: Pool, { mode, isPgpool = false }: SmallPoolerOptions): void => {
  let session: ServerSession | undefined
  /** Answers that the server owes: one ReadyForQuery for each Query and Sync. */
  let owed = 0
  const release = (): void => {
    if (session === undefined) return
    // Nobody hears what it says from now on.
    session.stream.removeAllListeners('data').on('data', () => undefined)
    pool.give(session)
    session = undefined
  }
  const hold = async (): Promise<ServerSession> => {
    if (session !== undefined) return session
    const taken = await pool.take()
    session = taken
    const fromServer = createFrames((frame) => {
      client.write(frame)
      if (frame[0] !== READY) return
      owed -= 1
      if (mode === 'transaction' && owed === 0 && frame[5] === IDLE) release()
    })
    taken.stream.removeAllListeners('data').on('data', fromServer)
    return taken
  }
  const toServer = async (frame: Buffer): Promise<void> => {
    if (frame[0] === TERMINATE) {
      client.end()
      return
    }
    const { stream } = await hold()
    if (frame[0] === QUERY || frame[0] === SYNC) owed += 1
    stream.write(isPgpool && frame.equals(SHOW_NODES) ? TWO_NODES : frame)
  }
  let queue = Promise.resolve()
  const frames = createFrames((frame) => {
    queue = queue.then(() => toServer(frame))
  })
  const secret = randomInt(1, 2 ** 31)
  cancels.set(secret, () => session?.cancel())
  let isStarted = false
  client.on('data', (chunk: Buffer) => {
    if (isStarted) frames(chunk)
    else isStarted = start(client, chunk, secret)
  })
  client.on('error', () => client.destroy())
  client.on('close', () => {
    cancels.delete(secret)
    void queue.then(() => {
      // A session in the middle of something is not for others.
      if (owed === 0) release()
      else session?.stream.destroy()
    })
  })
}

const [READY, IDLE, QUERY, SYNC, TERMINATE] = Buffer.from('ZIQSX')

/** Answers the first message of a connection. @returns whether the session has begun */
const start = (client: Socket, chunk: Buffer, secret: number): boolean => {
  const code = chunk.readInt32BE(4)
  if (code === SSL_CODE) client.write('N')
  else if (code === CANCEL_CODE) {
    cancels.get(chunk.readInt32BE(12))?.()
    client.end()
  } else {
    const keys = Buffer.concat([Buffer.from('K'), int32s(12, 1, secret)])
    client.write(Buffer.concat([Buffer.from('R'), int32s(8, 0), keys, Buffer.from('Z'), int32s(5), Buffer.from('I')]))
    return true
  }
  return false
}

const query = (text: string): Buffer =>
  Buffer.concat([Buffer.from('Q'), int32s(5 + text.length), Buffer.from(`${text}\0`)])

const SHOW_NODES = query('SHOW pool_nodes')
const TWO_NODES = query('SELECT pg_catalog.generate_series(0, 1) AS "node_id"')

/** Cuts a stream into messages of the protocol. */
const createFrames = (onFrame: (frame: Buffer) => void): ((chunk: Buffer) => void) => {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 5 && rest.length > rest.readInt32BE(1)) {
      const end = 1 + rest.readInt32BE(1)
      onFrame(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  }
}
