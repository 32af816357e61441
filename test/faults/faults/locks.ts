import { waitFor } from '../wait-for.js'
import { seen, type Fault } from '../fault.js'
import type { Stage } from '../stage.js'

const WAITING = `
  SELECT count(*)::integer AS "count" FROM pg_stat_activity
  WHERE application_name = 'chatkeep serve' AND wait_event_type = 'Lock'`

const waiting = async ({ database }: Stage): Promise<number> => Number((await database.administer(WAITING))[0]?.count)

export const lockTimeout: Fault = {
  name: 'lock-timeout',
  summary: 'somebody holds the table of messages, then the clients of the newest ones, longer than a write waits',
  strike: async ({ database, hold }) => {
    const before = await database.countErrors('55P03')
    const session = await database.connect()
    try {
      await session.query('BEGIN; LOCK TABLE "ChatMessage" IN SHARE ROW EXCLUSIVE MODE')
      await hold(1_000, 3_000)
      await session.query('COMMIT; BEGIN')
      await session.query(`SELECT FROM "Client" WHERE "id" IN (SELECT "id" FROM (${RECENT_CLIENTS}) AS r) FOR UPDATE`)
      await hold(1_000, 3_000)
      await session.query('COMMIT')
    } finally {
      await session.end()
    }
    return seen([(await database.countErrors('55P03')) - before, 'errors 55P03'])
  },
}

export const exhaustPool: Fault = {
  name: 'exhaust-pool',
  summary:
    'the table of messages is locked for everybody while all guests ask for their history: no connection is free',
  strike: async (stage) => {
    const { database, crowd, hold, signal } = stage
    const session = await database.connect()
    let most = 0
    try {
      await session.query('BEGIN; LOCK TABLE "ChatMessage" IN ACCESS EXCLUSIVE MODE')
      // Whoever asks gets an answer in the end; nobody here waits for it.
      const asked = crowd.writers().map(({ client }) => client.ask('history', { limit: 1 }).catch(() => undefined))
      await waitFor(async () => (most = Math.max(most, await waiting(stage))) >= POOLS, signal, 3_000)
      await hold(1_000, 12_000)
      await session.query('COMMIT')
      await Promise.all(asked)
    } finally {
      await session.end()
    }
    return seen([most < POOLS / 2 ? 0 : most, 'connections waited at once'])
  },
}

/** Connections of both servers' stores. */
const POOLS = 20

const FREE_SINCE_MS = 40

export const deadlock: Fault = {
  name: 'deadlock',
  summary: 'another session locks the clients that are written for in the opposite order',
  strike: async (stage) => {
    const { database, signal } = stage
    const before = await database.countErrors('40P01')
    // So that the servers' own short time-out for locks does not come first, and they are the ones who find it.
    await database.administer(`ALTER SYSTEM SET deadlock_timeout = '${FREE_SINCE_MS}ms'`, 'SELECT pg_reload_conf()')
    const session = await database.connect()
    try {
      await session.query(`SET deadlock_timeout = '5s'`)
      const watcher = await database.connect()
      const isWaiting = async (): Promise<boolean> =>
        (await watcher.query<{ count: number }>(WAITING)).rows[0]?.count !== 0
      for (let round = 0; round < 20; round += 1) {
        const { rows } = await session.query<{ id: number }>(RECENT_CLIENTS)
        const [last, ...others] = rows.map(({ id }) => id)
        await session.query(`BEGIN; SELECT FROM "Client" WHERE "id" = ${last ?? 0} FOR UPDATE`)
        await waitFor(isWaiting, signal, 500)
        for (const id of others) await session.query(`SELECT FROM "Client" WHERE "id" = ${id} FOR UPDATE`)
        await session.query('ROLLBACK')
      }
      await watcher.end()
    } finally {
      await session.end()
      await database.administer('ALTER SYSTEM RESET deadlock_timeout', 'SELECT pg_reload_conf()')
    }
    return seen([(await database.countErrors('40P01')) - before, 'errors 40P01'])
  },
}

const RECENT_CLIENTS = `
  SELECT "clientId" AS "id" FROM (SELECT "clientId", max("id") AS "last" FROM (
    SELECT "id", "clientId" FROM "ChatMessage" WHERE "clientId" IS NOT NULL ORDER BY "id" DESC LIMIT 400) AS m
  GROUP BY 1) AS c ORDER BY "last" DESC`
