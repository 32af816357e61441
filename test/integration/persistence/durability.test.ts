import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { createChatStore, type ChatStore, type NewChatMessage } from '../../../src/index.js'
import { createBulkStore } from '../../../src/persistence/bulk-store.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { startReplication, type Replication } from '../../support/replication.js'
import { until } from '../../support/until.js'

let servers: Replication
beforeAll(async () => {
  servers = await startReplication({ settings: { track_activity_query_size: '16kB' } })
  const { exitCode, stderr } = await runChatkeep([
    'migrate',
    '--create-tables',
    '--database-url',
    servers.primary.url(),
  ])
  expect(exitCode, stderr).toBe(0)
  // As an administrator may have set it: it hides the warning that a commit's wait was ended.
  await servers.primary.query('ALTER ROLE postgres SET client_min_messages = error')
  await servers.waitForStandby()
})
afterAll(() => servers.stop())

const WAITING = `SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
const BARRIERS = `${WAITING} AND query LIKE '%pg_logical_emit_message%'`

const untilOnPrimary = (sql: string, what: string): Promise<boolean> =>
  until(async () => (await servers.primary.query(sql)).length > 0, { what })

let messages = 0
const message = (guest: string): NewChatMessage => {
  const idempotencyKey = `message-${(messages += 1)}`
  return {
    guestUsername: guest,
    clientSocketId: guest,
    senderType: 'CLIENT',
    messageType: 'TEXT',
    text: 'hi',
    idempotencyKey,
  }
}

// A commit is confirmed when the standby has written it: rows are visible there a moment later.
const untilReplayed = (): Promise<boolean> =>
  until(
    async () => {
      const [row] = await servers.standby.query<{ done: boolean }>(
        'SELECT pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn() AS "done"',
      )
      return row?.done === true
    },
    { what: 'the standby has replayed what it wrote' },
  )

const missingOnStandby = async (sent: readonly NewChatMessage[]): Promise<readonly string[]> => {
  await untilReplayed()
  const rows = await servers.standby.query<{ key: string }>('SELECT "idempotencyKey" AS "key" FROM "ChatMessage"')
  const stored = new Set(rows.map(({ key }) => key))
  return sent.map(({ idempotencyKey }) => idempotencyKey ?? '').filter((key) => !stored.has(key))
}

/** Stores of which the first has a pool of its own, and the second one that asks for no durability. */
let stores: Readonly<Record<'own' | 'pool', ChatStore>>
let pool: pg.Pool
beforeEach(async () => {
  pool = new pg.Pool({ connectionString: servers.primary.url(), options: '-c synchronous_commit=off' })
  pool.on('error', () => undefined)
  const options = { deadlineMs: 20_000 }
  stores = {
    own: createChatStore({ databaseUrl: servers.primary.url() }, options),
    pool: createChatStore({ pool }, options),
  }
  // Their clients exist: what waits below is a message.
  await Promise.all(['Ann', 'Ben'].map((guest) => stores.own.saveChatMessage(message(guest))))
  await servers.standby.stop('fast')
})
afterEach(async () => {
  await Promise.all(Object.values(stores).map((store) => store.close()))
  await pool.end()
})

const WAYS = {
  pg_cancel_backend: () => servers.primary.query(`SELECT pg_cancel_backend(pid) FROM (${WAITING}) AS w`),
  pg_terminate_backend: () => servers.primary.query(`SELECT pg_terminate_backend(pid) FROM (${WAITING}) AS w`),
  'a fast restart': () => servers.primary.stop('fast').then(() => servers.primary.start()),
  'a crash': () => servers.primary.stop('kill').then(() => servers.primary.start()),
}

/** Resolves when the outcomes are there, which must not be before the standby is back. */
const settleWithStandby = async (
  sent: readonly NewChatMessage[],
  outcomes: readonly Promise<unknown>[],
): Promise<void> => {
  let acknowledged = 0
  const all = Promise.all(outcomes.map((outcome) => outcome.then(() => (acknowledged += 1))))
  all.catch(() => undefined)
  await untilOnPrimary(BARRIERS, 'a barrier waits')
  expect(acknowledged).toBe(0)
  await servers.standby.start()
  await all
  expect(await missingOnStandby(sent)).toEqual([])
}

test.for([
  ['pg_cancel_backend', 'own'],
  ['pg_cancel_backend', 'pool'],
  ['pg_terminate_backend', 'pool'],
  ['a fast restart', 'own'],
  ['a crash', 'pool'],
] as const)('after %s, a message that no standby has is not acknowledged (%s)', async ([way, kind]) => {
  const sent = ['Ann', 'Ben'].map(message)
  const saves = sent.map((one) => stores[kind].saveChatMessage(one))
  await untilOnPrimary(WAITING, 'the commit waits for the standby')
  await WAYS[way]()
  await settleWithStandby(sent, saves)
  expect(await Promise.all(saves)).toEqual(sent.map(() => expect.objectContaining({ duplicate: false }) as unknown))
})

test('a barrier whose own wait is ended confirms nothing', async () => {
  const sent = [message('Ann')]
  const saves = sent.map((one) => stores.own.saveChatMessage(one))
  await untilOnPrimary(WAITING, 'the commit waits for the standby')
  await WAYS.pg_cancel_backend()
  await untilOnPrimary(BARRIERS, 'the barrier waits')
  await WAYS.pg_cancel_backend()
  await settleWithStandby(sent, saves)
})

test('a resend is not acknowledged from a row that no standby has', async () => {
  const sent = [message('Ann')]
  await servers.primary.query(`SET synchronous_commit = local; INSERT INTO "ChatMessage"
    ("guestUsername", "clientSocketId", "senderType", "messageType", "text", "idempotencyKey", "clientId")
    SELECT 'Ann', 'Ann', 'CLIENT', 'TEXT', 'hi', '${sent[0]?.idempotencyKey}', "id" FROM "Client" WHERE "username" = 'Ann'`)
  const saves = sent.map((one) => stores.own.saveChatMessage(one))
  await settleWithStandby(sent, saves)
  expect(await saves[0]).toMatchObject({ duplicate: true })
})

test('messages saved in bulk are not acknowledged before a standby has them', async () => {
  const bulk = createBulkStore(toConnectionTarget(parseDatabaseUrl(servers.primary.url(), 'databaseUrl')), 'bulk')
  const sent = ['Ann', 'Ben'].map(message)
  const saves = bulk.saveChatMessages(sent)
  await untilOnPrimary(WAITING, 'the commits wait for the standby')
  await WAYS.pg_cancel_backend()
  await settleWithStandby(sent, [saves])
  expect(await saves).toEqual(sent.map(() => expect.objectContaining({ status: 'fulfilled' }) as unknown))
  await bulk.close()
})

/** Resolves when no session of the server waits for the standby. */
const untilNobodyWaits = (): Promise<boolean> =>
  until(async () => (await servers.primary.query(WAITING)).length === 0, { what: 'no session waits for the standby' })

const idsUsed = async (): Promise<number> => {
  const [row] = await servers.primary.query<{ used: string }>('SELECT last_value AS "used" FROM "ChatMessage_id_seq"')
  return Number(row?.used)
}

test.for(['own', 'pool'] as const)('what a store gives up is cancelled in the server (%s)', async (kind) => {
  const source = kind === 'own' ? { databaseUrl: servers.primary.url() } : { pool }
  const hasty = createChatStore(source, { deadlineMs: 300 })
  const [sent, before] = [message('Ann'), await idsUsed()]
  for (let send = 1; send <= 3; send += 1) {
    await expect(hasty.saveChatMessage(sent)).rejects.toMatchObject({ code: 'database_unavailable' })
    await untilNobodyWaits()
  }
  // The resends find the row that the first one left, and use up no id.
  expect(await idsUsed()).toBe(before + 1)
  expect(hasty.getLoad()).toMatchObject({ abandoned: 0 })
  await servers.standby.start()
  expect(await hasty.saveChatMessage(sent)).toMatchObject({ duplicate: true })
  await hasty.close()
})

test('a store that is closed in a hurry leaves no session behind', async () => {
  const leaving = createChatStore({ databaseUrl: servers.primary.url() })
  const save = expect(leaving.saveChatMessage(message('Ann'))).rejects.toMatchObject({ code: 'store_closed' })
  await untilOnPrimary(WAITING, 'the commit waits for the standby')
  await leaving.close(100)
  await untilNobodyWaits()
  await save
  await servers.standby.start()
})

test('checks of readiness share a proof, name the standby that it waits for, and leave nothing behind', async () => {
  const checks = [stores.own.checkReady(), stores.own.checkReady()]
  await untilOnPrimary(WAITING, 'the proof waits')
  expect(await servers.primary.query(WAITING)).toHaveLength(1)
  for (const check of checks) await expect(check).rejects.toThrow(/for a synchronous standby .* = 'standby'/)
  await untilNobodyWaits()
  await servers.standby.start()
  await stores.own.checkReady()
})

test('what only the primary may answer is refused where a standby is named, with a code of its own', async () => {
  await servers.standby.start()
  const reading = createChatStore({ databaseUrl: servers.standby.url() }, { deadlineMs: 300 })
  await until(
    () =>
      reading.checkReady().then(
        () => true,
        () => true,
      ),
    { what: 'the standby answers' },
  )
  const { nextAfter: after } = await stores.own.getChatHistory({ guestUsername: 'Ann' })
  const refused = { code: 'read_from_standby', retryable: true, hint: expect.stringContaining('primary') as string }
  await expect(reading.findChat('Ann')).rejects.toMatchObject(refused)
  await expect(reading.getChatHistory({ guestUsername: 'Ann', after })).rejects.toMatchObject(refused)
  await reading.close()
})
