import pg from 'pg'
import { createChatStore, type ChatStore } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { afterAll, beforeAll, describe, expect, test, withDatabase, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'
import { until } from '../../support/until.js'

const CLIENTS = 1_900
/** Clients who never wrote: a small table is rightly read from end to end. */
const SILENT_CLIENTS = 20_000
const GUESTS = 300
const MESSAGES = 36_000

// Client 1 has a third of all messages, and so have its session, its guest's name and its socket. Every hundredth client's messages carry a guest's name as well; 2 % have no client; 3 % of the clients' are unread.
const LOAD = `
  INSERT INTO "Client" ("updatedAt", "username", "phone")
  SELECT now(), 'client ' || n, '+1 555 ' || n FROM generate_series(1, ${CLIENTS + SILENT_CLIENTS}) AS n;
  INSERT INTO "ChatMessage" ("createdAt", "clientId", "guestUsername", "clientSocketId", "sessionId", "senderType",
    "messageType", "text", "isRead", "idempotencyKey")
  SELECT timestamp '2026-01-05' + n * interval '7 seconds', c.id,
    CASE WHEN c.id IS NULL THEN 'guest ' || n % ${GUESTS} WHEN c.id = 1 THEN 'big' WHEN c.id % 100 = 0 THEN 'former ' || c.id END,
    'socket ' || coalesce(c.id, n % ${GUESTS} + 10000), 'session ' || coalesce(c.id, n % ${GUESTS} + 10000),
    CASE WHEN n % 4 = 0 THEN 'OPERATOR' ELSE 'CLIENT' END::"MessageSenderType", 'TEXT',
    repeat('a text of some length ', 1 + n % 9), n % 31 <> 1, 'key ' || n
  FROM generate_series(1, ${MESSAGES}) AS n,
    LATERAL (SELECT CASE WHEN n % 3 = 0 THEN 1 WHEN n % 50 = 1 THEN NULL ELSE 2 + (n * 7919::bigint) % ${CLIENTS - 1} END AS id) AS c;
  UPDATE "Client" SET "username" = CASE "id" WHEN 1 THEN 'big' ELSE 'former 100' END WHERE "id" IN (1, 100);
  INSERT INTO chatkeep.guest_clients VALUES (1), (100)`

/** A statement as the store sent it. */
interface Sent {
  readonly text: string
  readonly values: unknown[]
}

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly PlanNode[]
}

/** What a statement did to find its rows. */
interface Access {
  readonly indexes: readonly string[]
  readonly sequential: readonly string[]
  /** Rows of "ChatMessage" that were looked at, those that a filter removed included. */
  readonly messagesRead: number
}

const nodesOf = (node: PlanNode): readonly PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

const accessOf = (plan: PlanNode): Access => {
  const nodes = nodesOf(plan)
  const reads = nodes.filter((node) => node['Node Type'].endsWith('Scan') && node['Relation Name'] === 'ChatMessage')
  return {
    indexes: nodes.flatMap((node) => node['Index Name'] ?? []),
    sequential: nodes.flatMap((node) => (node['Node Type'] === 'Seq Scan' ? (node['Relation Name'] ?? []) : [])),
    messagesRead: reads.reduce(
      (sum, node) =>
        sum +
        node['Actual Loops'] *
          (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)),
      0,
    ),
  }
}

let plans = 0

/** Runs a statement as the store does, takes it back, and tells how it was done. */
const explain = async (client: pg.Client, { text, values }: Sent, mode: 'custom' | 'generic'): Promise<Access> => {
  await client.query('BEGIN')
  try {
    await client.query(`SET LOCAL plan_cache_mode = force_${mode}_plan`)
    // A named statement is planned as the store's prepared ones are, and for a generic plan it has to be one.
    const { rows } = await client.query<{ 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] }>({
      name: `plan ${(plans += 1)}`,
      text: `EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) ${text}`,
      values,
    })
    const plan = rows[0]?.['QUERY PLAN'][0].Plan
    if (plan === undefined) throw new Error('no plan')
    return accessOf(plan)
  } finally {
    await client.query('ROLLBACK')
  }
}

/** A store on a pool whose every statement is noted. */
const withNotedStore = async (
  database: TestDatabase,
  work: (store: ChatStore) => Promise<unknown>,
): Promise<readonly Sent[]> => {
  const sent: Sent[] = []
  class NotingClient extends pg.Client {
    override query = ((...call: readonly unknown[]) => {
      const [config, values] = call as [string | pg.QueryConfig<unknown[]>, unknown[]?]
      const noted = typeof config === 'string' ? { text: config, values } : config
      sent.push({ text: noted.text, values: [...(noted.values ?? [])] })
      return (pg.Client.prototype.query as (...all: unknown[]) => unknown).call(this, ...call)
    }) as pg.Client['query']
  }
  const pool = new pg.Pool({ connectionString: database.url, Client: NotingClient, max: 1 })
  // A connection that is still closing when the database is dropped is told so.
  pool.on('error', () => undefined)
  const store = createChatStore({ pool })
  try {
    await work(store)
  } finally {
    await store.close()
    await pool.end()
  }
  return sent.filter(({ text }) => /"ChatMessage"|"Client"/.test(text))
}

let database: TestDatabase
let drop: () => void
let dropped: Promise<void>

beforeAll(async () => {
  await new Promise<void>((resolve, reject) => {
    dropped = withDatabase(async (made) => {
      database = made
      await migrated(made)
      await made.load(LOAD)
      await made.query('VACUUM ANALYZE')
      const done = new Promise<void>((end) => (drop = end))
      resolve()
      await done
    })
    dropped.catch(reject)
  })
})

afterAll(async () => {
  drop()
  await dropped
})

const OWN: readonly string[] = [
  'guest_clients',
  'client_aliases',
  'merged_clients',
  'moved_messages',
  'changed_messages',
  'wanted_clients',
]

/** Tables of the application's clients and messages; a handful of rows of chatkeep's own is found fastest by looking at all. */
const ofApplication = (tables: readonly string[]): readonly string[] => tables.filter((table) => !OWN.includes(table))

const MODES = ['custom', 'generic'] as const

/** Every statement of the work uses its index, reads no table from end to end, and not many more messages than it gives. */
const expectIndexed = async (
  work: (store: ChatStore) => Promise<unknown>,
  indexes: readonly string[],
  mostRead: number,
  where = database,
): Promise<void> => {
  const sent = await withNotedStore(where, work)
  expect(sent.length).toBeGreaterThan(0)
  const client = await where.client()
  for (const mode of MODES) {
    const used = new Set<string>()
    for (const statement of sent) {
      const access = await explain(client, statement, mode)
      expect(ofApplication(access.sequential), `${mode}: ${statement.text}`).toEqual([])
      expect(access.messagesRead, `${mode}: ${statement.text}`).toBeLessThanOrEqual(mostRead)
      for (const index of access.indexes) used.add(index)
    }
    expect([...used], mode).toEqual(expect.arrayContaining([...indexes]))
  }
}

const PAGE = 50
/** The row behind the page, and what is fetched ahead of a sort or a bitmap: a small multiple of the page. */
const MOST_READ = 4 * PAGE

describe('a page of history', () => {
  test.for([
    ['a client', { clientId: 2 }, 'clientId'],
    ['the big client', { clientId: 1 }, 'clientId'],
    ['nobody', { clientId: 999_999 }, 'clientId'],
    ['a guest without client', { guestUsername: 'guest 1' }, 'guestUsername'],
    ['a guest who became a client', { guestUsername: 'former 100' }, 'clientId'],
    ['the big guest', { guestUsername: 'big' }, 'clientId'],
    ['an unknown guest', { guestUsername: 'nobody' }, 'guestUsername'],
    ['a socket', { clientSocketId: 'socket 2' }, 'clientSocketId'],
    ['the big socket', { clientSocketId: 'socket 1' }, 'clientSocketId'],
    ['an unknown socket', { clientSocketId: 'nobody' }, 'clientSocketId'],
    ['a session', { sessionId: 'session 2' }, 'sessionId'],
    ['the big session', { sessionId: 'session 1' }, 'sessionId'],
    ['an unknown session', { sessionId: 'nobody' }, 'sessionId'],
  ] as const)('of %s: the newest, before, after', async ([, contact, column]) => {
    const [middle] = await database.query<{ cursor: string }>(
      `SELECT to_char("createdAt", 'YYYY-MM-DD HH24:MI:SS.US') || '_' || "id" AS "cursor" FROM "ChatMessage" WHERE "id" = $1`,
      [MESSAGES / 2],
    )
    const cursor = middle?.cursor
    for (const position of [{}, { before: cursor }, { after: cursor }, { before: cursor, maxBytes: 4_000_000 }]) {
      await expectIndexed(
        (store) => store.getChatHistory({ ...contact, ...position, limit: PAGE }),
        [`ChatMessage_${column}_createdAt_idx`],
        MOST_READ,
      )
    }
  })

  test('of a guest whom a client was made of: of the client, and not linked under the name, each by its index', async () => {
    for (const guestUsername of ['big', 'former 100']) {
      await expectIndexed(
        (store) => store.getChatHistory({ guestUsername, limit: PAGE }),
        ['ChatMessage_unlinked_idx', 'ChatMessage_clientId_createdAt_idx', 'Client_username_key'],
        MOST_READ,
      )
    }
  })
})

describe('a page of recent chats', () => {
  /** Of one chat; its unread messages are counted up to here. */
  const MOST_UNREAD = 1_000
  /** The messages of the first scan, of clients and of guests, and one look-up for each of their chats at the most. */
  const FIRST_SCAN = 4 * 512
  const PAGE_INDEXES = ['ChatMessage_pkey', 'Client_pkey', 'ChatMessage_unlinked_idx', 'ChatMessage_unread_idx']
  const WALK_INDEXES = ['ChatMessage_createdAt_clientId_idx', 'ChatMessage_clientId_createdAt_idx']
  const HOUR_INDEXES = ['ChatMessage_hour_clientId_idx', 'ChatMessage_unlinked_hour_idx']

  test('is found by its indexes: the first', async () => {
    await expectIndexed(
      (store) => store.getRecentChats({ limit: PAGE }),
      [...PAGE_INDEXES, ...WALK_INDEXES],
      FIRST_SCAN + MOST_READ + MOST_UNREAD,
    )
  })

  test('is found by its indexes: a deep one', async () => {
    let before: string | undefined
    await withNotedStore(database, async (store) => {
      for (let page = 0; page < 12; page += 1) {
        before = (await store.getRecentChats({ limit: 100, before })).nextBefore ?? undefined
      }
    })
    expect(before).toBeDefined()
    await expectIndexed(
      (store) => store.getRecentChats({ limit: PAGE, before }),
      WALK_INDEXES,
      32 * FIRST_SCAN + MOST_READ + MOST_UNREAD,
    )
  })

  /** Clients, or messages of guests, that are looked at before it is known that they are too many, and more the second time. */
  const WALKS = (1 + 8) * (256 + 1_024)

  test('is found by its indexes where only unread chats are wanted, and they are many', async () => {
    const { nextBefore: before } = await withStore(database, (store) => store.getRecentChats({ limit: 200 }))
    for (const position of [undefined, before ?? undefined]) {
      await expectIndexed(
        (store) => store.getRecentChats({ limit: PAGE, unreadOnly: true, before: position }),
        [...PAGE_INDEXES, ...WALK_INDEXES],
        16 * FIRST_SCAN + WALKS + MOST_READ + MOST_UNREAD,
      )
    }
  })

  test('is found by its indexes where only a few old chats have unread messages: nothing else is read', async () => {
    const client = await database.client()
    await client.query(`CREATE TEMPORARY TABLE "unread" AS
      SELECT "id" FROM "ChatMessage" WHERE NOT "isRead" AND "senderType" = 'CLIENT' AND "id" > 6000`)
    const setRead = (isRead: boolean) =>
      client.query(`UPDATE "ChatMessage" SET "isRead" = $1 WHERE "id" IN (SELECT "id" FROM "unread")`, [isRead])
    await setRead(true)
    try {
      await database.query('VACUUM ANALYZE "ChatMessage"')
      const [chats] = await database.query<{ unread: number; chats: number }>(
        `SELECT count(*)::integer AS "unread", count(DISTINCT coalesce("clientId"::text, "guestUsername"))::integer AS "chats"
         FROM "ChatMessage" WHERE NOT "isRead" AND "senderType" = 'CLIENT'`,
      )
      expect(chats?.chats).toBeGreaterThan(PAGE)
      await expectIndexed(
        (store) => store.getRecentChats({ limit: PAGE, unreadOnly: true }),
        [...PAGE_INDEXES, 'ChatMessage_clientId_createdAt_idx'],
        // Each chat's last message twice, then what the page shows of its chats: the last 20 messages, and those unread.
        3 * (chats?.unread ?? 0) + 22 * (PAGE + 1) + MOST_READ,
      )
    } finally {
      await setRead(false)
      await client.query('DROP TABLE "unread"')
      await database.query('VACUUM ANALYZE "ChatMessage"')
    }
  })

  /** Client 2 and a guest write 10,000 messages each, in the second case after many others in the same hour. */
  const FLOOD = 10_000
  const FLOODS = [
    ['by one client and one guest', `timestamp '2026-06-05' + n * interval '7 seconds'`, '2026-06-06 12:00', 0],
    [
      'in an hour of many chats',
      `timestamp '2026-06-05' + n * interval '50 milliseconds' + (CASE WHEN n > 1000 THEN interval '20 minutes' ELSE '0' END)`,
      '2026-06-05 00:35',
      1_000,
    ],
  ] as const

  test.for(FLOODS)('is found by its indexes, and by hours: behind a flood %s', async ([, instant, middle, others]) => {
    const [last] = await database.query<{ id: number }>('SELECT max("id") AS "id" FROM "ChatMessage"')
    await database.load(`
      INSERT INTO "ChatMessage" ("createdAt", "clientId", "guestUsername", "senderType", "messageType", "text", "isRead")
      SELECT ${instant}, CASE WHEN n % 2 = 0 THEN CASE WHEN n <= ${others} THEN 3 + n ELSE 2 END END,
        'guest ' || CASE WHEN n <= ${others} THEN n ELSE 1 END, 'CLIENT', 'TEXT', 'x', true
      FROM generate_series(1, ${2 * FLOOD}) AS n`)
    try {
      await database.query('VACUUM ANALYZE "ChatMessage"')
      for (const before of [undefined, `${middle}:00.000000_1`]) {
        await expectIndexed(
          (store) => store.getRecentChats({ limit: PAGE, before }),
          [...PAGE_INDEXES, ...WALK_INDEXES, ...HOUR_INDEXES],
          8 * FIRST_SCAN + MOST_READ + MOST_UNREAD + (others > 0 ? 4 * FLOOD : 0),
        )
      }
    } finally {
      await database.query('DELETE FROM "ChatMessage" WHERE "id" > $1', [last?.id])
      await database.query('VACUUM ANALYZE "ChatMessage"')
    }
  })

  // As they are from the update to the next ANALYZE, which a large table gets after a tenth of it has changed.
  test('is found by its indexes while statistics say that every message has a client', async ({ database: fresh }) => {
    await migrated(fresh)
    await fresh.load(`
      INSERT INTO "Client" ("updatedAt", "username") SELECT now(), 'client ' || n FROM generate_series(1, 20000) AS n;
      INSERT INTO "ChatMessage" ("createdAt", "clientId", "senderType", "messageType", "text")
      SELECT timestamp '2026-01-05' + n * interval '7 seconds', n % 20000 + 1, 'CLIENT', 'TEXT', 'x' FROM generate_series(1, 60000) AS n`)
    await fresh.query('VACUUM ANALYZE')
    await fresh.load(`
      INSERT INTO "ChatMessage" ("createdAt", "guestUsername", "senderType", "messageType", "text")
      SELECT timestamp '2026-06-05' + n * interval '7 seconds', 'guest ' || n % 300, 'CLIENT', 'TEXT', 'x' FROM generate_series(1, 3000) AS n`)
    await expectIndexed(
      (store) => store.getRecentChats({ limit: PAGE }),
      ['ChatMessage_createdAt_clientId_idx', 'ChatMessage_unlinked_idx'],
      FIRST_SCAN + MOST_READ + MOST_UNREAD,
      fresh,
    )
  })
})

describe('marking as read', () => {
  test.for([
    ['a client', 2, undefined],
    ['a client, up to a message', 2, MESSAGES / 2],
    ['the big client', 1, undefined],
    ['the big client, up to a message', 1, MESSAGES / 100],
    ['nobody', 999_999, undefined],
  ] as const)('reads what is unread only: %s', async ([, clientId, upToMessageId]) => {
    const [unread] = await database.query<{ count: number }>(
      `SELECT count(*)::integer FROM "ChatMessage"
       WHERE "clientId" = $1 AND NOT "isRead" AND "senderType" = 'CLIENT' AND "id" <= coalesce($2, "id")`,
      [clientId, upToMessageId],
    )
    const rows = unread?.count ?? Number.NaN
    const sent = await withNotedStore(database, (store) =>
      store.markMessagesAsRead({ clientId: 999_998, operatorId: null, upToMessageId }),
    )
    // After the look-up of the client.
    const statement = sent.at(-1)
    if (statement === undefined) throw new Error('nothing was sent')
    const client = await database.client()
    for (const mode of MODES) {
      const access = await explain(
        client,
        { ...statement, values: upToMessageId === undefined ? [clientId] : [clientId, upToMessageId] },
        mode,
      )
      expect(access.sequential, mode).toEqual([])
      if (rows > 0) expect(access.indexes, mode).toContain('ChatMessage_unread_idx')
      // Found, locked, and changed: twice each, and what the sub-select may look at beside.
      expect(access.messagesRead, mode).toBeLessThanOrEqual(3 * rows + 10)
    }
  })
})

test('a poll of a chat in which nothing happens asks for messages alone, not for open transactions', async () => {
  let after: string | undefined
  const poll = async (store: ChatStore): Promise<void> => {
    after = (await store.getChatHistory({ sessionId: 'session 3', after })).nextAfter
  }
  const first = await withNotedStore(database, async (store) => {
    for (let polls = 0; polls < 10; polls += 1) await poll(store)
  })
  expect(first.some(({ text }) => text.includes('pg_locks'))).toBe(true)
  // Transactions of other tests, on the same server, may have been open.
  await until(async () => (await withNotedStore(database, poll)).every(({ text }) => !text.includes('pg_locks')), {
    what: 'the cursor remembers no message',
  })
  const settled = after
  const [idle, ...others] = await withNotedStore(database, poll)
  expect(others).toEqual([])
  expect(idle?.text).not.toContain('pg_locks')
  expect(after).toBe(settled)
  // The last message itself is looked at.
  await expectIndexed(poll, ['ChatMessage_sessionId_createdAt_idx'], 1)
})

test('what is unread in all chats is counted by the index of unread messages, up to a bound', async () => {
  const [unread] = await database.query<{ count: number }>(
    `SELECT least(count(*), 10000)::integer AS count FROM "ChatMessage" WHERE NOT "isRead" AND "senderType" = 'CLIENT'`,
  )
  await expectIndexed(
    async (store) => expect(await store.getUnreadCount()).toBe(unread?.count),
    ['ChatMessage_unread_idx'],
    unread?.count ?? 0,
  )
})

test('the chat of an address is found by indexes, however large it is', async () => {
  for (const address of [1, 2, 'big', 'former 100', 'guest 1', 'session 1', 'nobody']) {
    for (const at of [undefined, new Date()])
      await expectIndexed(
        (store) => store.findChat(address, { at }),
        ['ChatMessage_sessionId_createdAt_idx'].slice(Number(typeof address === 'number')),
        2 * 500,
      )
  }
})

test('the messages of the chat of an address are found by the client, and those under its name by what is not linked', async () => {
  for (const address of [1, 2, 'big', 'former 100']) {
    const chat = await withStore(database, (store) => store.findChat(address))
    await expectIndexed(
      (store) => store.getChatHistory({ anyOf: chat?.contacts, limit: PAGE }),
      ['ChatMessage_clientId_createdAt_idx', 'ChatMessage_unlinked_idx'],
      MOST_READ,
    )
  }
})

test('new messages are found by the primary key, however many there are', async () => {
  const NEW = 10
  const sent = await withNotedStore(database, async (store) => {
    const heard: number[] = []
    const options = { since: `live1~${(MESSAGES - NEW).toString(36)}~~~~`, onError: () => undefined }
    await store.onMessage(({ id }) => void heard.push(id), options)
    await until(() => heard.length === NEW, { what: 'they are delivered' })
  })
  const reads = sent.filter(({ text }) => text.includes('FROM "public"."ChatMessage"'))
  const pages = reads.filter(({ text }) => text.includes('unnest'))
  expect(pages.length).toBeGreaterThan(0)
  const client = await database.client()
  for (const mode of MODES) {
    for (const statement of reads) {
      const access = await explain(client, statement, mode)
      expect(access.sequential, statement.text).not.toContain('ChatMessage')
      // The ids before a beginning are looked at.
      expect(access.messagesRead, statement.text).toBeLessThanOrEqual(pages.includes(statement) ? NEW : 10_001)
      if (pages.includes(statement)) expect(access.indexes).toContain('ChatMessage_pkey')
    }
  }
})

test('a message is saved by indexes, of whomever it is, resent or not', async () => {
  const messages = [
    { clientId: 2 },
    { clientId: 1 },
    { guestUsername: 'client 77' },
    { guestUsername: 'nobody yet' },
    { sessionId: 'session 1' },
    { clientId: 3, idempotencyKey: 'key 3' },
    { guestUsername: 'nobody either', idempotencyKey: 'key 4' },
  ]
  const sent = await withNotedStore(database, async (store) => {
    const save = (message: (typeof messages)[number]): Promise<unknown> =>
      store.saveChatMessage({ ...textMessage('hello'), ...message }).catch((error: unknown) => {
        expect(error).toMatchObject({ name: 'IdempotencyConflict' })
      })
    for (const message of messages) await save(message)
    await Promise.all(messages.map(save))
  })
  const client = await database.client()
  const used = new Set<string>()
  for (const mode of MODES) {
    for (const statement of sent) {
      const access = await explain(client, statement, mode)
      expect(ofApplication(access.sequential), statement.text).toEqual([])
      expect(access.messagesRead, statement.text).toBeLessThanOrEqual(10)
      for (const index of access.indexes) used.add(index)
    }
  }
  expect([...used]).toEqual(
    expect.arrayContaining(['Client_pkey', 'Client_username_key', 'ChatMessage_idempotencyKey_key']),
  )
})
