import type { Client } from 'pg'
import pg from 'pg'
import {
  createChatStore,
  DatabaseRefused,
  StoreClosed,
  StoreUnavailable,
  type ChatStore,
  type NewChatMessage,
  type SavedChatMessage,
} from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { until } from '../../support/until.js'
import { textMessage } from '../../support/load.js'
import { countTransactions } from '../../support/transaction-counter.js'

const guest = (n: number): string => `guest ${n}`

/** One message each of so many guests. */
const oneOfEach = (count: number, text = 'hello'): NewChatMessage[] =>
  Array.from({ length: count }, (_, n) => ({ ...textMessage(`${text} ${n}`), guestUsername: guest(n) }))

const ONE: NewChatMessage = { ...textMessage('one'), guestUsername: guest(0) }

const saveAll = (store: ChatStore, messages: readonly NewChatMessage[]): Promise<SavedChatMessage[]> =>
  Promise.all(messages.map((message) => store.saveChatMessage(message)))

/** Migrated, with clients made of guests 0, 1, … */
const withGuests = async (database: TestDatabase, count: number): Promise<void> => {
  await migrated(database)
  await withStore(database, (store) => saveAll(store, oneOfEach(count, 'first')))
}

const textsOf = async (database: TestDatabase, guestUsername: string): Promise<readonly unknown[]> => {
  const rows = await database.query('SELECT "text" FROM "ChatMessage" WHERE "guestUsername" = $1 ORDER BY "id"', [
    guestUsername,
  ])
  return rows.map(({ text }) => text)
}

const countMessages = async (database: TestDatabase): Promise<unknown> => {
  const [row] = await database.query('SELECT count(*)::integer AS "count" FROM "ChatMessage"')
  return row?.count
}

/** A transaction of somebody else that has done this and stays open. */
const withOpenTransaction = async (
  database: TestDatabase,
  sql: string,
  work: (holder: Client) => Promise<void>,
): Promise<void> => {
  const holder = await database.client()
  await holder.query('BEGIN')
  await holder.query(sql)
  try {
    await work(holder)
  } finally {
    await holder.query('ROLLBACK')
  }
}

describe('calls at the same time', () => {
  test('share transactions', async ({ database }) => {
    await withGuests(database, 200)
    const transactions = await countTransactions(database.url, (url) =>
      withStore({ ...database, url }, async (store) => {
        const saved = await saveAll(store, oneOfEach(200))
        expect(new Set(saved.map(({ id }) => id)).size).toBe(200)
      }),
    )
    expect(transactions.reduce((sum, count) => sum + count)).toBeLessThan(20)
    expect(await countMessages(database)).toBe(400)
  })

  test('cost a lone caller nothing: a known guest’s message is one transaction', async ({ database }) => {
    await withGuests(database, 1)
    const transactions = await countTransactions(database.url, (url) =>
      withStore({ ...database, url }, async (store) => {
        await store.saveChatMessage({ ...textMessage('alone'), guestUsername: guest(0) })
      }),
    )
    expect(transactions).toEqual([1])
  })
})

describe('a message that the database rejects', () => {
  /** What is wrong with a message, and what becomes of it. */
  const BAD: readonly (readonly [Partial<NewChatMessage>, object])[] = [
    [{ text: 'checked' }, { name: 'DatabaseRefused', sqlState: '23514', retryable: false }],
    [{ text: 'raised' }, { name: 'DatabaseRefused', sqlState: 'P0001', retryable: false }],
    [{ imageName: 'x'.repeat(21) }, { name: 'DatabaseRefused', sqlState: '22001', retryable: false }],
    [{ operatorId: 4711 }, { clientId: expect.any(Number) as unknown, duplicate: false }],
    [
      { clientId: 4711, guestUsername: null },
      { clientId: null, duplicate: false },
    ],
    [
      { clientId: 4711, guestUsername: null, operatorId: 4711 },
      { clientId: null, duplicate: false },
    ],
    [{ clientId: 4711 }, { clientId: expect.any(Number) as unknown, duplicate: false }],
  ]

  const makeDemands = (database: TestDatabase) =>
    database.load(`
      ALTER TABLE "ChatMessage" ADD CHECK ("text" <> 'checked');
      ALTER TABLE "ChatMessage" ALTER "imageName" TYPE varchar(20);
      CREATE FUNCTION demand() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW."text" = 'raised' THEN RAISE 'not this one'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER demand BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION demand()`)

  test.for([
    ['known', 300],
    ['new', 0],
  ] as const)(
    'fails alone, or is kept without what does not exist: its neighbours, %s guests, are linked',
    async ([, known], { database }) => {
      await withGuests(database, known)
      await makeDemands(database)
      const messages = oneOfEach(300).map((message, n) => {
        const bad = n % 40 === 20 ? BAD[(n - 20) / 40] : undefined
        return { message: { clientSocketId: 'socket', ...message, ...bad?.[0] }, expected: bad?.[1] }
      })
      await withStore(database, async (store) => {
        const results = await Promise.allSettled(messages.map(({ message }) => store.saveChatMessage(message)))
        for (const [n, result] of results.entries()) {
          const { expected = { clientId: expect.any(Number) as unknown, duplicate: false }, message } =
            messages[n] ?? {}
          const outcome: unknown = result.status === 'fulfilled' ? result.value : result.reason
          expect(outcome, JSON.stringify(message)).toMatchObject(expected)
          if (result.status === 'rejected') expect(outcome).toBeInstanceOf(DatabaseRefused)
        }
        expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(3)
      })
      expect(await countMessages(database)).toBe(known + 297)
    },
  )

  test('leaves it to one of its neighbours to have made the client', async ({ database }) => {
    await migrated(database)
    await makeDemands(database)
    await withStore(database, async (store) => {
      const refused = store.saveChatMessage({ ...textMessage('checked'), guestUsername: 'another' })
      const saved = saveAll(store, oneOfEach(20))
      await expect(refused).rejects.toMatchObject({ name: 'DatabaseRefused' })
      expect((await saved).map(({ clientCreated }) => clientCreated)).toEqual(Array.from({ length: 20 }, () => true))
    })
  })

  test.for([
    ['a trigger with a code of its own', `RAISE 'not this one' USING ERRCODE = 'CRM01'`, 'CRM01'],
    ['a trigger that looks for a row in vain', `PERFORM 1; RAISE no_data_found`, 'P0002'],
    ['an assertion', `ASSERT false`, 'P0004'],
  ] as const)(
    'costs its neighbours nothing when it is rejected by %s',
    async ([, statement, sqlState], { database }) => {
      await withGuests(database, 20)
      await database.load(`
      CREATE FUNCTION demand() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW."text" = 'raised' THEN ${statement}; END IF; RETURN NEW; END $$;
      CREATE TRIGGER demand BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION demand()`)
      await withStore(database, async (store) => {
        const before = saveAll(store, oneOfEach(10))
        const refused = store.saveChatMessage({ ...textMessage('raised'), guestUsername: guest(11) })
        const after = saveAll(store, oneOfEach(20))
        await expect(refused).rejects.toMatchObject({ name: 'DatabaseRefused', sqlState, retryable: false })
        expect([...(await before), ...(await after)].filter(({ clientId }) => clientId === null)).toEqual([])
      })
      expect(await countMessages(database)).toBe(50)
    },
  )

  test('costs its neighbours nothing when a policy of its table forbids it', async ({ database }) => {
    await withGuests(database, 20)
    await database.load(`
      ALTER TABLE "ChatMessage" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE POLICY demand ON "ChatMessage" USING (true) WITH CHECK ("text" <> 'forbidden');
      CREATE ROLE "${database.name}_writer";
      GRANT ALL ON ALL TABLES IN SCHEMA public TO "${database.name}_writer";
      GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "${database.name}_writer"`)
    const pool = new pg.Pool({ connectionString: database.url, options: `-c role=${database.name}_writer` })
    // A connection that is still closing when the database is dropped is told so.
    pool.on('error', () => undefined)
    try {
      const store = createChatStore({ pool })
      const before = saveAll(store, oneOfEach(10))
      const refused = store.saveChatMessage({ ...textMessage('forbidden'), guestUsername: guest(11) })
      const after = saveAll(store, oneOfEach(20))
      await expect(refused).rejects.toMatchObject({ name: 'DatabaseRefused', sqlState: '42501' })
      await Promise.all([before, after])
      await store.close()
    } finally {
      await pool.end()
      await database.load(`DROP OWNED BY "${database.name}_writer"; DROP ROLE "${database.name}_writer"`)
    }
    expect(await countMessages(database)).toBe(50)
  })

  test('in the middle of what one sender says leaves the order of the rest', async ({ database }) => {
    await withGuests(database, 1)
    await makeDemands(database)
    const texts = Array.from({ length: 50 }, (_, n) => (n === 25 ? 'checked' : `text ${n}`))
    await withStore(database, async (store) => {
      const results = await Promise.allSettled(
        texts.map((text) => store.saveChatMessage({ ...textMessage(text), guestUsername: guest(0) })),
      )
      expect(results.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([25])
    })
    expect(await textsOf(database, guest(0))).toEqual(['first 0', ...texts.filter((text) => text !== 'checked')])
  })
})

test('both sides of a conversation are kept in order, also when its guest is new', async ({ database }) => {
  await migrated(database)
  const texts = Array.from({ length: 20 }, (_, n) => `text ${n}`)
  await withStore(database, (store) =>
    Promise.all(
      texts.map((text, n) =>
        store.saveChatMessage({
          ...textMessage(text),
          sessionId: 'conversation',
          ...(n % 3 === 2 ? { senderType: 'OPERATOR' } : { guestUsername: 'maria' }),
        }),
      ),
    ),
  )
  const rows = await database.query('SELECT "text" FROM "ChatMessage" ORDER BY "id"')
  expect(rows.map(({ text }) => text)).toEqual(texts)
})

describe('while another session locks', () => {
  const HELD = ['held 1', 'held 2', 'held 3']

  test.for([
    ['the client', `SELECT FROM "Client" WHERE "username" = 'guest 7' FOR UPDATE`],
    [
      'the key',
      `INSERT INTO "ChatMessage" ("senderType", "messageType", "idempotencyKey") VALUES ('CLIENT', 'TEXT', 'held 1')`,
    ],
  ] as const)(
    '%s of one sender, the others are kept; then the sender’s messages, in order',
    async ([, hold], { database }) => {
      await withGuests(database, 100)
      await withStore(database, async (store) => {
        let held: Promise<SavedChatMessage>[] = []
        await withOpenTransaction(database, hold, async () => {
          const before = saveAll(store, oneOfEach(7, 'before'))
          held = HELD.map((text) =>
            store.saveChatMessage({ ...textMessage(text), guestUsername: guest(7), idempotencyKey: text }),
          )
          const after = saveAll(
            store,
            oneOfEach(100, 'after').filter(({ guestUsername }) => guestUsername !== guest(7)),
          )
          await Promise.all([before, after])
          expect(await textsOf(database, guest(7))).toEqual(['first 7'])
        })
        const saved = await Promise.all(held)
        expect(saved.map(({ duplicate, clientId }) => [duplicate, clientId === null])).toEqual(
          HELD.map(() => [false, false]),
        )
      })
      expect(await textsOf(database, guest(7))).toEqual(['first 7', ...HELD])
    },
  )

  test('many clients, the others are kept with theirs, and who waits is kept without by the deadline', async ({
    database,
  }) => {
    await withGuests(database, 100)
    const hold = `SELECT FROM "Client" WHERE "username" IN (${Array.from({ length: 30 }, (_, n) => `'${guest(3 * n)}'`).join()}) FOR UPDATE`
    await withStore(
      database,
      async (store) => {
        await withOpenTransaction(database, hold, async () => {
          const saved = await saveAll(store, oneOfEach(100))
          expect(saved.flatMap(({ clientId }, n) => (clientId === null ? [n] : []))).toEqual(
            Array.from({ length: 30 }, (_, n) => 3 * n),
          )
        })
        await saveAll(store, oneOfEach(100, 'afterwards'))
      },
      { deadlineMs: 5_000 },
    )
  })

  test('the name of a new guest, the others are kept with their clients; then that guest is', async ({ database }) => {
    await migrated(database)
    const hold = `INSERT INTO "Client" ("username", "updatedAt") VALUES ('guest 7', now())`
    await withStore(database, async (store) => {
      await withOpenTransaction(database, hold, async (holder) => {
        const [held, ...others] = [
          store.saveChatMessage({ ...textMessage('hello 7'), guestUsername: guest(7) }),
          ...oneOfEach(100)
            .filter(({ guestUsername }) => guestUsername !== guest(7))
            .map((message) => store.saveChatMessage(message)),
        ]
        const saved = await Promise.all(others)
        expect(saved.filter(({ clientId }) => clientId === null)).toEqual([])
        await holder.query('COMMIT')
        expect(await held).toMatchObject({ duplicate: false })
      })
    })
    expect(await countMessages(database)).toBe(100)
  })

  test('a client that is then deleted, the others are kept; then the message is', async ({ database }) => {
    await withGuests(database, 20)
    await database.query(`INSERT INTO "Client" ("username", "updatedAt") VALUES ('leaving', now())`)
    await withStore(database, async (store) => {
      await withOpenTransaction(database, `DELETE FROM "Client" WHERE "username" = 'leaving'`, async (holder) => {
        const held = store.saveChatMessage({ ...textMessage('hello'), guestUsername: 'leaving' })
        await saveAll(store, oneOfEach(20))
        await holder.query('COMMIT')
        expect(await held).toMatchObject({ duplicate: false })
      })
    })
    expect(await textsOf(database, 'leaving')).toEqual(['hello'])
  })

  test.for(['ChatMessage', 'Client', 'User'])(
    'the whole table %s for a second, all are kept',
    async (table, { database }) => {
      await withGuests(database, 100)
      await database.query(
        `INSERT INTO "User" ("name", "username", "passwordHash", "updatedAt") VALUES ('o', 'o', '', now())`,
      )
      await withStore(database, async (store) => {
        const holder = await database.client()
        await holder.query('BEGIN')
        await holder.query(`LOCK TABLE "${table}" IN ACCESS EXCLUSIVE MODE`)
        const saves = saveAll(
          store,
          oneOfEach(100).map((message) => ({ ...message, operatorId: 1 })),
        )
        await Promise.all([saves, holder.query('SELECT pg_sleep(1)').then(() => holder.query('COMMIT'))])
      })
      expect(
        await database.query(`SELECT FROM "ChatMessage" WHERE "operatorId" = 1 AND "clientId" IS NOT NULL`),
      ).toHaveLength(100)
    },
  )
})

describe('more messages than the store may hold', () => {
  const OVERLOADED = { name: 'StoreOverloaded', code: 'store_overloaded', retryable: true }

  test('are refused and not written; the rest is kept, and then it takes messages again', async ({ database }) => {
    await migrated(database)
    await withStore(
      database,
      async (store) => {
        const results = await Promise.allSettled(oneOfEach(50).map((message) => store.saveChatMessage(message)))
        const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
        expect(refused).toHaveLength(20)
        for (const reason of refused) expect(reason).toMatchObject(OVERLOADED)
        expect(await countMessages(database)).toBe(30)
        await saveAll(store, oneOfEach(30, 'again'))
        expect(await countMessages(database)).toBe(60)
      },
      { maxQueuedMessages: 30 },
    )
  })

  test('are limited by their bytes as well; a single one may be larger', async ({ database }) => {
    await migrated(database)
    await withStore(
      database,
      async (store) => {
        await store.saveChatMessage({ ...textMessage('x'.repeat(5_000)), guestUsername: guest(0) })
        const large = Array.from({ length: 5 }, (_, n) => ({
          ...textMessage('é'.repeat(300)),
          imageUrl: 'y'.repeat(400),
          guestUsername: guest(n),
        }))
        const results = await Promise.allSettled(large.map((message) => store.saveChatMessage(message)))
        expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, true, true, false, false])
        expect(results[3]).toMatchObject({ reason: OVERLOADED })
        await saveAll(store, large.slice(0, 3))
      },
      { maxQueuedBytes: 3_000 },
    )
    expect(await countMessages(database)).toBe(7)
  })

  test('are refused at once while the database is unavailable; all others get their error in time, and the store recovers', async ({
    database,
  }) => {
    await migrated(database)
    await withProxy(database.url, async ({ url, pointAt, cut }) => {
      const store = createChatStore({ databaseUrl: url }, { deadlineMs: 2_000, maxQueuedMessages: 600 })
      await store.saveChatMessage(ONE)
      const away = new URL(url)
      away.port = '1'
      pointAt(away.href)
      cut()
      const errors: unknown[] = []
      await Promise.all(
        oneOfEach(1_000).map((message) => store.saveChatMessage(message).catch((error: unknown) => errors.push(error))),
      )
      expect(errors).toHaveLength(1_000)
      for (const error of errors.slice(0, 400)) expect(error).toMatchObject(OVERLOADED)
      for (const error of errors.slice(400)) expect(error).toMatchObject({ name: 'StoreUnavailable', retryable: true })
      pointAt(database.url)
      const saved = await saveAll(store, oneOfEach(500, 'back'))
      expect(saved).toHaveLength(500)
      await store.close()
    })
    expect(await countMessages(database)).toBe(501)
  })
})

describe('close', () => {
  test('stores everything that was sent before, and refuses what comes later', async ({ database }) => {
    await migrated(database)
    const store = createChatStore({ databaseUrl: database.url })
    const saves = saveAll(store, oneOfEach(500))
    const closed = store.close()
    await expect(store.saveChatMessage(ONE)).rejects.toBeInstanceOf(StoreClosed)
    await store.close()
    await closed
    expect(await countMessages(database)).toBe(500)
    expect(await saves).toHaveLength(500)
  })

  test('ends when the database is gone, and every call has its answer by then', async ({ database }) => {
    await migrated(database)
    await withProxy(database.url, async ({ url, close }) => {
      const store = createChatStore({ databaseUrl: url }, { deadlineMs: 600 })
      await store.saveChatMessage(ONE)
      await close()
      let answers = 0
      for (const message of oneOfEach(500)) {
        store.saveChatMessage(message).catch((error: unknown) => {
          expect(error).toBeInstanceOf(StoreUnavailable)
          answers += 1
        })
      }
      await store.close()
      expect(answers).toBe(500)
    })
  })
})

test('a deadline of nothing is one try, however long it takes', async ({ database }) => {
  await withGuests(database, 1)
  await withStore(
    database,
    async (store) => {
      const holder = await database.client()
      await holder.query('BEGIN')
      await holder.query('LOCK TABLE "ChatMessage"')
      const save = store.saveChatMessage(ONE)
      await Promise.all([save, holder.query('SELECT pg_sleep(1)').then(() => holder.query('COMMIT'))])
      await expect(save).resolves.toMatchObject({ duplicate: false })
    },
    { deadlineMs: 0 },
  )
})

describe("a caller's own pool", () => {
  const withPool = async (
    database: TestDatabase,
    work: (pool: pg.Pool, store: ChatStore) => Promise<void>,
    deadlineMs = 10_000,
  ) => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    // A connection that is still closing when the database is dropped is told so.
    pool.on('error', () => undefined)
    try {
      const store = createChatStore({ pool }, { deadlineMs })
      await work(pool, store)
      await store.close()
    } finally {
      await pool.end()
    }
  }

  test('of one connection is enough; it is given back, and close leaves the pool open', async ({ database }) => {
    await migrated(database)
    await withPool(database, async (pool, store) => {
      await Promise.all([saveAll(store, oneOfEach(500)), ...oneOfEach(20).map(() => store.getRecentChats())])
      await store.close()
      expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0])
      expect((await pool.query('SELECT 1 AS "one"')).rows).toEqual([{ one: 1 }])
    })
    expect(await countMessages(database)).toBe(500)
  })

  test('whose connection another task keeps fails at its deadline', async ({ database }) => {
    await migrated(database)
    await withPool(
      database,
      async (pool, store) => {
        const kept = await pool.connect()
        const calls = [
          ...oneOfEach(50).map((message) => store.saveChatMessage(message)),
          store.getChatHistory({ guestUsername: guest(0) }),
          store.getRecentChats(),
          store.markMessagesAsRead({ guestUsername: guest(0), operatorId: 1 }),
        ]
        for (const result of await Promise.allSettled(calls)) {
          expect(result).toMatchObject({ reason: { name: 'StoreUnavailable', retryable: true } })
        }
        kept.release()
        await saveAll(store, oneOfEach(50, 'again'))
        // The last answer comes before its connection is given back.
        await until(() => expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([1, 1, 0]), {
          what: 'the connection is given back',
        })
      },
      500,
    )
    expect(await countMessages(database)).toBe(50)
  })

  test('may forget the prepared statements, as a transaction pooler does', async ({ database }) => {
    await migrated(database)
    await withPool(database, async (pool, store) => {
      for (let round = 0; round < 5; round += 1) {
        await saveAll(store, oneOfEach(32, `round ${round}`))
        await pool.query('DEALLOCATE ALL')
      }
    })
    expect(await countMessages(database)).toBe(160)
  })

  test('may give a connection that has the prepared statement already, as a transaction pooler does', async ({
    database,
  }) => {
    await migrated(database)
    await withPool(database, async (pool, store) => {
      await saveAll(store, oneOfEach(32))
      const { rows } = await pool.query<{ name: string; statement: string }>(
        'SELECT "name", "statement" FROM pg_prepared_statements',
      )
      expect(rows).not.toEqual([])
      const client = await pool.connect()
      client.release(true)
      // Every new connection has it from somebody else.
      pool.on('connect', (fresh) => {
        for (const { name } of rows) void fresh.query(`PREPARE ${pg.escapeIdentifier(name)} AS SELECT 1`)
      })
      const saved = await saveAll(store, oneOfEach(32, 'again'))
      expect(saved.filter(({ clientId }) => clientId === null)).toEqual([])
      await saveAll(store, oneOfEach(32, 'and again'))
    })
    expect(await countMessages(database)).toBe(96)
  })
})

test.for(['repeatable read', 'serializable'])(
  'by default %s, 100 calls at once are kept, and again',
  async (isolation, { database }) => {
    await migrated(database)
    await database.query(`ALTER DATABASE "${database.name}" SET default_transaction_isolation = '${isolation}'`)
    const stores = [0, 1].map(() => createChatStore({ databaseUrl: database.url }))
    for (const text of ['new', 'known']) {
      const saved = await Promise.all(stores.map((store, n) => saveAll(store, oneOfEach(100, `${text} ${n}`))))
      expect(saved.flat().filter(({ clientId }) => clientId === null)).toEqual([])
    }
    await Promise.all(stores.map((store) => store.close()))
    expect(await countMessages(database)).toBe(400)
    expect(await database.query('SELECT FROM "Client"')).toHaveLength(100)
  },
)
