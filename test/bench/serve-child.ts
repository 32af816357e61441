import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import pg from 'pg'
import * as z from 'zod/mini'
import { createChatStore, type ChatStore } from '../../src/index.js'
import { startChatServer } from '../../src/server/chat-server.js'
import { ADDRESSES_UNLIMITED } from '../../src/server/protection/limits.js'
import type { BenchProcess } from './bench-process.js'
import { checkFailed } from './check-failed.js'
import { insertingStore } from './inserting-store.js'

/** The first argument that makes of this program a socket server. */
export const SERVE_CHILD = 'serve-child'

/** What the server keeps messages with: chatkeep's store, or one INSERT a message through a pool. */
export type StoreKind = 'store' | 'insert'

export interface ServeChild {
  readonly url: string
  readonly operatorSecret: string
  /** The most memory that the server has held so far. */
  peakRssMb(): Promise<number>
}

const listening = z.object({ url: z.string() })
const memory = z.object({ peakRssBytes: z.number() })
const MEGABYTE = 1_048_576

/** Runs a socket server in a process of its own, so that its memory and its event loop are its own, for as long as the work lasts. */
export const withServeChild = async <T>(
  { ownCommand, env, signal }: BenchProcess,
  kind: StoreKind,
  databaseUrl: string,
  work: (child: ServeChild) => Promise<T>,
): Promise<T> => {
  const [program = '', ...first] = ownCommand
  const operatorSecret = randomBytes(16).toString('hex')
  const child = spawn(program, [...first, SERVE_CHILD, kind], {
    // Not among the arguments: every user of the machine may read those.
    env: { PATH: env.PATH, DATABASE_URL: databaseUrl, CHATKEEP_OPERATOR_SECRET: operatorSecret },
    stdio: ['pipe', 'pipe', 'inherit'],
    signal,
  })
  const closed = once(child, 'close')
  // An interruption ends the child; the work says so.
  closed.catch(() => undefined)
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async (): Promise<unknown> => {
    const line = await lines.next()
    if (line.done === true) throw checkFailed('the socket server ended')
    return JSON.parse(line.value)
  }
  try {
    const { url } = listening.parse(await nextLine())
    const peakRssMb = async (): Promise<number> => {
      child.stdin.write('\n')
      return memory.parse(await nextLine()).peakRssBytes / MEGABYTE
    }
    return await work({ url, operatorSecret, peakRssMb })
  } finally {
    child.stdin.end()
    await closed.catch(() => undefined)
  }
}

/** The child's side: says where it listens, then its memory for each line that it is given, and ends with its input. */
export const runServeChild = async ({ argv, env, stdin, stdout, peakRssBytes }: BenchProcess): Promise<number> => {
  const { DATABASE_URL: databaseUrl = '', CHATKEEP_OPERATOR_SECRET: operatorSecret } = env
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
  pool.on('error', () => undefined)
  const store: ChatStore = argv[1] === 'insert' ? insertingStore(pool) : createChatStore({ databaseUrl })
  const server = await startChatServer({ ...ADDRESSES_UNLIMITED, store, port: 0, operatorSecret, eventsPerSecond: 0 })
  stdout.write(`${JSON.stringify({ url: server.url })}\n`)
  for await (const _ of createInterface({ input: stdin.stream })) {
    stdout.write(`${JSON.stringify({ peakRssBytes: peakRssBytes() })}\n`)
  }
  await server.close()
  await store.close()
  await pool.end()
  return 0
}
