import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Progress } from '../../src/terminal/progress.js'
import { createRandom, randomBelow, type Random } from '../bench/random.js'
import { createBooks, type Books } from './books.js'
import { createBroadcasts, type Broadcasts } from './broadcasts.js'
import { createChatProcess, runCommand, type ChatProcess } from './chat-process.js'
import { createCrowd, type Crowd } from './crowd.js'
import { startDatabaseServer, type DatabaseServer } from './database-server.js'
import { startGuard, type Guard } from './guard.js'
import { withLinks, type Link } from './link.js'
import { OPERATORS, REGISTERED_CLIENTS, registeredName, storedName } from './people.js'
import { rowIdsOf, type RowIdOf } from '../support/row-ids.js'

/** One chat server, its way to the database and the way of its clients to it. */
export interface ChatServer {
  readonly name: string
  readonly process: ChatProcess
  readonly back: Link
  readonly front: Link
}

/** Everything that a fault may lay its hands on. */
export interface Stage {
  readonly seed: number
  readonly random: Random
  readonly signal: AbortSignal
  readonly progress: Progress
  readonly folder: string
  readonly database: DatabaseServer
  readonly servers: readonly ChatServer[]
  readonly crowd: Crowd
  readonly books: Books
  readonly broadcasts: Broadcasts
  readonly rowIdOf: RowIdOf
  /** Notes what must not be, whatever the rows say. */
  readonly complain: (problem: string) => void
  /** Waits some time between the two, by the seed. */
  readonly hold: (leastMs: number, mostMs: number) => Promise<void>
  /** Runs a command of the program on the database, not by way of a link. */
  readonly command: (
    ...argv: readonly string[]
  ) => Promise<{ readonly exitCode: number | null; readonly stderr: string }>
}

export interface StageOptions {
  readonly seed: number
  readonly pid: number
  readonly keep: boolean
  readonly signal: AbortSignal
  readonly progress: Progress
  readonly complain: (problem: string) => void
}

const SERVERS = ['a', 'b'] as const

/** Starts a database, two chat servers and the links between; ends all of it when the work is over. */
export const withStage = async <T>(options: StageOptions, work: (stage: Stage) => Promise<T>): Promise<T> => {
  const { signal, progress, keep } = options
  const folder = realpathSync(await mkdtemp(join(tmpdir(), 'chatkeep-faults-')))
  // The account of the database's server must get there, too.
  await chmod(folder, 0o755)
  const backs: Link[] = []
  const guard = startGuard(folder, keep)
  try {
    return await withDatabase(folder, options, backs, async (database) => {
      await prepare(database, signal, guard)
      const databaseUrls = SERVERS.map(() => database.url())
      return await withLinks(databaseUrls, (opened) => {
        backs.push(...opened)
        return withLinks(
          SERVERS.map(() => 'http://127.0.0.1:9/chat'),
          (fronts) => withServers(options, { folder, guard, database, backs, fronts }, work),
        )
      })
    })
  } finally {
    if (keep) progress.line(`kept: ${folder}`)
    else await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    await guard.close()
  }
}

const withDatabase = async <T>(
  folder: string,
  { pid }: StageOptions,
  backs: readonly Link[],
  work: (database: DatabaseServer) => Promise<T>,
): Promise<T> => {
  const database = await startDatabaseServer(folder, pid, (url) => backs.forEach(({ pointAt }) => pointAt(url)))
  try {
    return await work(database)
  } finally {
    await database.stop()
  }
}

const prepare = async (database: DatabaseServer, signal: AbortSignal, guard: Guard): Promise<void> => {
  const { exitCode, stderr } = await runCommand(
    ['migrate', '--create-tables', '--database-url', database.url()],
    signal,
    guard,
  )
  if (exitCode !== 0) throw new Error(`the database could not be migrated: ${stderr}`)
  const people = Array.from(
    { length: REGISTERED_CLIENTS },
    (_, index) => `('${storedName(registeredName(index))}', now())`,
  )
  const staff = Array.from({ length: OPERATORS - 1 }, (_, index) => `('operator ${index}', 'o${index}', '-', now())`)
  await database.administer(
    `INSERT INTO "Client" ("username", "updatedAt") VALUES ${people.join(', ')}`,
    `INSERT INTO "User" ("name", "username", "passwordHash", "updatedAt") VALUES ${staff.join(', ')}`,
  )
}

interface Parts {
  readonly folder: string
  readonly guard: Guard
  readonly database: DatabaseServer
  readonly backs: readonly Link[]
  readonly fronts: readonly Link[]
}

const withServers = async <T>(
  { seed, signal, progress, complain }: StageOptions,
  { folder, guard, database, backs, fronts }: Parts,
  work: (stage: Stage) => Promise<T>,
): Promise<T> => {
  const operatorSecret = randomBytes(16).toString('hex')
  const servers = SERVERS.map((name, index): ChatServer => {
    const [back, front] = [linkAt(backs, index), linkAt(fronts, index)]
    const options = { name, folder, databaseUrl: back.url, operatorSecret, signal, guard, onListening: front.pointAt }
    return { name, back, front, process: createChatProcess(options) }
  })
  const rowIdOf = rowIdsOf(operatorSecret)
  const [books, broadcasts] = [createBooks(rowIdOf), createBroadcasts(rowIdOf)]
  const crowd = createCrowd({
    seed,
    // Who is answered depends on time, so it must not disturb what the seed decides.
    random: createRandom(seed + 1),
    books,
    broadcasts,
    fronts: fronts.map(({ url }) => url),
    operatorSecret,
  })
  const stage: Stage = {
    seed,
    ...chanceOf(seed, signal),
    signal,
    progress,
    folder,
    database,
    rowIdOf,
    servers,
    crowd,
    books,
    broadcasts,
    complain,
    command: (...argv) => runCommand([...argv, '--database-url', database.url()], signal, guard),
  }
  try {
    await Promise.all(servers.map(({ process }) => process.start()))
    return await work(stage)
  } finally {
    await crowd.close()
    await Promise.all(servers.map(({ process }) => process.close()))
  }
}

/** What the seed decides. */
export const chanceOf = (seed: number, signal: AbortSignal): Pick<Stage, 'random' | 'hold'> => {
  const random = createRandom(seed)
  return {
    random,
    hold: async (leastMs, mostMs) => {
      await delay(leastMs + randomBelow(random, mostMs - leastMs + 1), undefined, { signal })
    },
  }
}

const linkAt = (links: readonly Link[], index: number): Link => {
  const link = links[index]
  if (link === undefined) throw new Error(`there is no link ${index}`)
  return link
}
