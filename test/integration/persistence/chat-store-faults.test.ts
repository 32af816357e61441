import type { Client } from 'pg'
import { createChatStore, type NewChatMessage, type SavedChatMessage } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { cutAtWrites, type CommitCutter, type Moment } from '../../support/commit-cutter.js'
import { withProxy, type Tap } from '../../support/cuttable-proxy.js'
import { allowConnections, describe, expect, test, type TestDatabase } from '../../support/database.js'
import {
  expectKeptOnce,
  textMessage,
  withLoad,
  type Acknowledged,
  type Load,
  type LoadOptions,
} from '../../support/load.js'
import { until } from '../../support/until.js'

const MOMENTS: readonly Moment[] = ['before the write arrives', 'with the write under way', 'after its commit']

/** Callers send through a connection that is cut at writes: nobody may notice. */
const saveThroughCuts = async (database: TestDatabase, cutter: CommitCutter, options: LoadOptions): Promise<void> => {
  await migrated(database)
  await withProxy(
    database.url,
    ({ url }) =>
      withStore({ ...database, url }, async (store) => {
        const { acknowledged, failures } = await withLoad(store, options)
        expect(failures()).toBe(0)
        expect(duplicates(acknowledged)).toEqual([])
        expect(acknowledged.size).toBe(options.callers * (options.messagesEach ?? Number.NaN))
        await expectKeptOnce(database, acknowledged)
      }),
    cutter.makeTap,
  )
}

const duplicates = (acknowledged: Acknowledged): readonly string[] =>
  [...acknowledged].filter(([, { saved }]) => saved.duplicate).map(([key]) => key)

describe.for(MOMENTS)('a connection that is cut %s', (moment) => {
  test('costs a lone caller neither its message nor the truth about it', async ({ database }) => {
    const cutter = cutAtWrites(moment, 0.25)
    await saveThroughCuts(database, cutter, { callers: 1, messagesEach: 20, sender: () => ({ sessionId: 'lone' }) })
    expect(cutter.cuts()).toBeGreaterThanOrEqual(4)
  })

  test('again and again costs 32 callers nothing', async ({ database }) => {
    const cutter = cutAtWrites(moment, 0.2)
    await saveThroughCuts(database, cutter, { callers: 32, messagesEach: 20 })
    expect(cutter.cuts()).toBeGreaterThanOrEqual(3)
    expect(await database.query('SELECT count(*)::integer AS "clients" FROM "Client"')).toEqual([{ clients: 32 }])
  })
})

/** Saves messages at once; the answer that the first is stored is lost. */
const saveWithLostAnswer = async (
  database: TestDatabase,
  answer: RegExp,
  ...messages: readonly NewChatMessage[]
): Promise<readonly SavedChatMessage[]> => {
  let isLost = false
  const makeTap = (): Tap => ({
    fromClient: () => 'pass',
    fromServer: (bytes) => {
      if (isLost || !answer.test(bytes.toString('latin1'))) return 'pass'
      isLost = true
      return 'drop, and cut'
    },
  })
  const answers: SavedChatMessage[] = []
  const save = ({ url }: { readonly url: string }): Promise<void> =>
    withStore({ ...database, url }, async (store) => {
      answers.push(...(await Promise.all(messages.map((message) => store.saveChatMessage(message)))))
    })
  await withProxy(database.url, save, makeTap)
  expect(isLost).toBe(true)
  return answers
}

const INSERTED = /INSERT 0 [1-9]/
const COMMITTED = /COMMIT/

describe('a call whose only answer is lost is told that it stored the message, when', () => {
  test.for<[string, RegExp, Partial<NewChatMessage>]>([
    ['no operator has the id that it names', INSERTED, { sessionId: 's', operatorId: 4 }],
    ['no operator has it, in the chat of a guest', INSERTED, { guestUsername: 'maria', operatorId: 4 }],
    ['neither operator nor client have it', COMMITTED, { clientId: 77, operatorId: 4 }],
    ['no client has it, but there is one of the name', INSERTED, { clientId: 77, guestUsername: 'maria' }],
    ['no client has it, and one is made of the guest', INSERTED, { clientId: 77, guestUsername: 'new' }],
    ['no client and no operator has it', INSERTED, { clientId: 77, guestUsername: 'maria', operatorId: 4 }],
  ])('%s', async ([, answer, ids], { database }) => {
    await migrated(database)
    await withStore(database, (store) => store.saveChatMessage({ ...textMessage('first'), guestUsername: 'maria' }))
    const [saved] = await saveWithLostAnswer(database, answer, { ...textMessage('second'), ...ids })
    expect(saved).toMatchObject({ duplicate: false })
    expect(await database.query('SELECT "text" FROM "ChatMessage" ORDER BY "id"')).toEqual([
      { text: 'first' },
      { text: 'second' },
    ])
  })

  test('another call with the same key is told that it did not', async ({ database }) => {
    await migrated(database)
    const message = { ...textMessage('hello'), sessionId: 's', idempotencyKey: 'a' }
    const saved = await saveWithLostAnswer(database, INSERTED, message, message)
    expect(saved.map(({ duplicate }) => duplicate)).toEqual([false, true])
  })
})

/** The store's statements that wait for somebody's lock at this moment. */
const statementsInWait = async (database: TestDatabase): Promise<readonly string[]> => {
  const rows = await database.query<{ statement: string }>(
    `SELECT pid || ' ' || query_start AS "statement" FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'chatkeep' AND wait_event_type = 'Lock'`,
  )
  return rows.map(({ statement }) => statement)
}

const untilInWait = (database: TestDatabase): Promise<readonly string[]> =>
  until(
    async () => {
      const waiting = await statementsInWait(database)
      expect(waiting).not.toEqual([])
      return waiting
    },
    { what: 'a statement waits for a lock' },
  )

/** Waits until that many messages more are acknowledged. */
const untilMore = ({ acknowledged }: Load, more: number): Promise<boolean> => {
  const before = acknowledged.size
  return until(() => acknowledged.size > before + more, { what: `${more} more messages are acknowledged` })
}

/** A session that holds the table of the messages, so that nobody reads or writes it. */
const holdMessages = async (database: TestDatabase): Promise<Client> => {
  const holder = await database.client()
  // The database's settings are meant for the store.
  await holder.query('SET lock_timeout = 0')
  await holder.query('SET statement_timeout = 0')
  await holder.query('BEGIN')
  await holder.query('LOCK TABLE "ChatMessage"')
  return holder
}

describe('nothing is lost and no caller gets an error when', () => {
  test.for([
    ['lock_timeout', '55P03'],
    ['statement_timeout', '57014'],
  ] as const)('%s ends the statements (%s) while somebody holds the table', async ([setting], { database }) => {
    await migrated(database)
    await database.query(`ALTER DATABASE "${database.name}" SET ${setting} = '100ms'`)
    await withStore(database, async (store) => {
      const { acknowledged, failures } = await withLoad(store, { callers: 32 }, async (load) => {
        await untilMore(load, 50)
        const holder = await holdMessages(database)
        const first = await untilInWait(database)
        // The lock is still held, so whoever waits no more was sent away; and somebody tries again.
        const isSecond = async (): Promise<void> => {
          const second = await statementsInWait(database)
          expect(second.some((statement) => first.includes(statement))).toBe(false)
          expect(second).not.toEqual([])
        }
        await until(isSecond, { what: 'other statements wait for the lock' })
        await holder.query('COMMIT')
        await untilMore(load, 50)
      })
      expect(failures()).toBe(0)
      expect(duplicates(acknowledged)).toEqual([])
      await expectKeptOnce(database, acknowledged)
    })
  })

  test.for([
    ['pg_cancel_backend', '57014'],
    ['pg_terminate_backend', '57P01'],
  ] as const)('an administrator ends its statements with %s (%s)', async ([end], { database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const { acknowledged, failures } = await withLoad(store, { callers: 32 }, async () => {
        for (let round = 1; round <= 3; round += 1) {
          const holder = await holdMessages(database)
          const waiting = await untilInWait(database)
          const pids = waiting.map((statement) => Number.parseInt(statement, 10))
          const ended = await database.query(`SELECT ${end}(pid) AS "ended" FROM unnest($1::integer[]) AS pid`, [pids])
          expect(ended).toEqual(pids.map(() => ({ ended: true })))
          const areEnded = async (): Promise<boolean> => {
            const stillWaiting = await statementsInWait(database)
            return !stillWaiting.some((statement) => waiting.includes(statement))
          }
          await until(areEnded, { what: `the statements ended by ${end} wait no more` })
          await holder.query('COMMIT')
        }
      })
      expect(failures()).toBe(0)
      expect(duplicates(acknowledged)).toEqual([])
      await expectKeptOnce(database, acknowledged)
    })
  })

  test('it would deadlock with another session: it retries, and the other continues', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const first = await store.saveChatMessage({ ...textMessage('first'), guestUsername: 'maria' })
      const rival = await database.client()
      await rival.query('BEGIN')
      await rival.query('SELECT FROM "Client" FOR UPDATE')
      const save = store.saveChatMessage({
        ...textMessage('second'),
        guestUsername: 'maria',
        idempotencyKey: 'contested',
      })
      await untilInWait(database)
      // The store has the key and waits for the client; the rival has the client and waits for the key.
      await rival.query(
        `INSERT INTO "ChatMessage" ("senderType", "messageType", "idempotencyKey") VALUES ('CLIENT', 'TEXT', 'contested')`,
      )
      await rival.query('ROLLBACK')
      expect(await save).toMatchObject({ clientId: first.clientId, duplicate: false })
    })
    const texts = await database.query('SELECT "text" FROM "ChatMessage" ORDER BY "id"')
    expect(texts).toEqual([{ text: 'first' }, { text: 'second' }])
    expect(await database.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')).toEqual([
      { deadlocks: '0' },
    ])
  })

  test('its snapshot is too old to see who holds the key (40001)', async ({ database }) => {
    await migrated(database)
    await database.query(`ALTER DATABASE "${database.name}" SET default_transaction_isolation = 'repeatable read'`)
    await withStore(database, async (store) => {
      const rival = await database.client()
      await rival.query('BEGIN')
      const { rows } = await rival.query<{ id: number }>(
        `INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text", "idempotencyKey")
         VALUES ('maria', 'CLIENT', 'TEXT', 'hello', 'contested') RETURNING "id"`,
      )
      const save = store.saveChatMessage({
        ...textMessage('hello'),
        guestUsername: 'maria',
        idempotencyKey: 'contested',
      })
      await untilInWait(database)
      await rival.query('COMMIT')
      expect(await save).toMatchObject({ id: rows[0]?.id, duplicate: true })
    })
    expect(await database.query('SELECT "text" FROM "ChatMessage"')).toEqual([{ text: 'hello' }])
  })
})

test('a database that is read-only for a while gets all messages afterwards, also through connections of that while', async ({
  database,
}) => {
  await migrated(database)
  const store = createChatStore({ databaseUrl: database.url }, { deadlineMs: 300 })
  try {
    const { acknowledged } = await withLoad(store, { callers: 32 }, async (load) => {
      await untilMore(load, 50)
      await database.query(`ALTER DATABASE "${database.name}" SET default_transaction_read_only = on`)
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'chatkeep'`,
      )
      await until(() => load.failures() >= 32, { what: 'every caller failed' })
      await database.query(`ALTER DATABASE "${database.name}" RESET default_transaction_read_only`)
      await untilMore(load, 100)
    })
    await expectKeptOnce(database, acknowledged)
  } finally {
    await store.close()
  }
})

test('a server that refuses, and then does not answer, is known by what it said', async ({ database }) => {
  await migrated(database)
  let isSilent = false
  const makeTap = (): Tap => ({
    fromClient: () => (isSilent ? 'drop' : 'pass'),
    fromServer: (bytes) => {
      isSilent ||= bytes.includes('is not currently accepting connections')
      return 'pass'
    },
  })
  await allowConnections(database, false)
  await withProxy(
    database.url,
    async ({ url }) => {
      const store = createChatStore({ databaseUrl: url }, { deadlineMs: 500 })
      await expect(store.saveChatMessage({ ...textMessage('hello'), sessionId: 's' })).rejects.toMatchObject({
        ...{ code: 'database_unavailable', retryable: true, blames: 'database' },
        message: expect.stringContaining('is not currently accepting connections') as unknown,
      })
      expect(isSilent).toBe(true)
      await store.close(0)
    },
    makeTap,
  )
})
