import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import pg from 'pg'
import { createChatStore, type ChatStore, type NewChatMessage } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadFixture } from '../../support/fixtures.js'
import { untilRows } from '../../support/until.js'

const text = (body: string) => ({ senderType: 'CLIENT', messageType: 'TEXT', text: body }) as const

const countRows = async (database: TestDatabase, table: string): Promise<number> => {
  const [row] = await database.query<{ count: number }>(`SELECT count(*)::integer AS count FROM "${table}"`)
  return row?.count ?? -1
}

/** What the documentation says of a stored message. */
const MESSAGE_FIELDS = [
  'clientId',
  'clientSocketId',
  'createdAt',
  'guestPhone',
  'guestUnverified',
  'guestUsername',
  'id',
  'idempotencyKey',
  'imageName',
  'imageUrl',
  'isRead',
  'messageType',
  'mimeType',
  'operatorId',
  'readAt',
  'senderType',
  'sessionId',
  'text',
]

const fieldsOf = (value: object | undefined): readonly string[] => Object.keys(value ?? {}).toSorted()

describe('a guest', () => {
  test('becomes one client when fifty first messages arrive at once', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const sends = Array.from({ length: 50 }, (_, n) =>
        store.saveChatMessage({ ...text(`hello ${n}`), guestUsername: 'maria', guestPhone: '+1 555 0100' }),
      )
      const saved = await Promise.all(sends)
      expect(new Set(saved.map(({ clientId }) => clientId)).size).toBe(1)
      expect(saved.filter(({ clientCreated }) => clientCreated)).toHaveLength(1)
    })
    expect(await database.query('SELECT username, phone FROM "Client"')).toEqual([{ username: 'maria', phone: null }])
    expect(await countRows(database, 'ChatMessage')).toBe(50)
  })

  test('burns no client id per message', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      for (let n = 0; n < 20; n += 1) await store.saveChatMessage({ ...text(String(n)), guestUsername: 'maria' })
    })
    expect(await database.query(`SELECT last_value::integer FROM "Client_id_seq"`)).toEqual([{ last_value: 1 }])
  })

  test('keeps the message when the phone belongs to another client', async ({ database }) => {
    await migrated(database, 'crm-before')
    const [owner] = await database.query<{ phone: string }>(
      'SELECT phone FROM "Client" WHERE phone IS NOT NULL LIMIT 1',
    )
    await withStore(database, async (store) => {
      const saved = await store.saveChatMessage({ ...text('hi'), guestUsername: 'newcomer', guestPhone: owner?.phone })
      const [highest] = await database.query<{ id: number }>('SELECT max(id) AS id FROM "Client"')
      const [sequence] = await database.query<{ value: number }>(
        'SELECT last_value::integer AS value FROM "Client_id_seq"',
      )
      expect([saved.clientId, sequence?.value]).toEqual([highest?.id, highest?.id])
      expect(saved.clientCreated).toBe(true)
    })
    expect(
      await database.query(
        `SELECT c.phone, m."guestPhone" FROM "ChatMessage" m JOIN "Client" c ON c.id = m."clientId" WHERE c.username = 'newcomer'`,
      ),
    ).toEqual([{ phone: null, guestPhone: owner?.phone }])
  })

  test('has no phone when it gives a blank one', async ({ database }) => {
    await migrated(database)
    await withStore(database, (store) =>
      store.saveChatMessage({ ...text('hi'), guestUsername: 'maria', guestPhone: ' ' }),
    )
    expect(await database.query('SELECT "guestPhone" FROM "ChatMessage"')).toEqual([{ guestPhone: null }])
  })

  test('is linked to the registered client of that exact name', async ({ database }) => {
    await migrated(database, 'crm-before')
    const [client] = await database.query<{ id: number; username: string }>('SELECT id, username FROM "Client" LIMIT 1')
    await withStore(database, async (store) => {
      const saved = await store.saveChatMessage({ ...text('hi'), guestUsername: ` ${client?.username} ` })
      expect(saved).toMatchObject({ clientId: client?.id, clientCreated: false })
      const other = await store.saveChatMessage({ ...text('hi'), guestUsername: client?.username.toUpperCase() })
      expect(other.clientCreated).toBe(true)
    })
  })

  test.for(['__proto__', `'; DROP TABLE "Client"; --`, '𝒲ïerd "name"\\', 'a'.repeat(255), '💬'.repeat(255)])(
    'may be called %j',
    async (name, { database }) => {
      await migrated(database)
      await withStore(database, async (store) => {
        await store.saveChatMessage({ ...text('hi'), guestUsername: name })
        const page = await store.getChatHistory({ guestUsername: name })
        expect(page.messages).toMatchObject([{ guestUsername: name.normalize('NFC') }])
      })
    },
  )
})

describe('a message', () => {
  test('is kept without client when its client does not exist, and without operator when that does not', async ({
    database,
  }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const saved = await store.saveChatMessage({
        ...text('kept'),
        senderType: 'OPERATOR',
        clientId: 4711,
        operatorId: 4712,
        clientSocketId: 'socket-1',
      })
      expect(saved).toMatchObject({ clientId: null, unknownClientId: 4711 })
      const { messages } = await store.getChatHistory({ clientSocketId: 'socket-1' })
      expect(messages).toMatchObject([{ text: 'kept', clientId: null, operatorId: null }])
    })
  })

  test('is kept without client when "Client" has a required column that only the application can fill', async ({
    database,
  }) => {
    await migrated(database)
    await database.query('ALTER TABLE "Client" ADD COLUMN "tenant" integer NOT NULL')
    await withStore(database, async (store) => {
      expect(await store.saveChatMessage({ ...text('kept'), guestUsername: 'maria' })).toMatchObject({ clientId: null })
    })
  })

  test('is stored byte for byte, but for what PostgreSQL cannot hold', async ({ database }) => {
    await migrated(database)
    const written = ' \ufeff\u2028tab\there 👩‍👩‍👧 עברית \u0007 nul:\0 lone:\ud800 end\n'
    await withStore(database, async (store) => {
      await store.saveChatMessage({ ...text(written), guestUsername: 'maria' })
      const { messages } = await store.getChatHistory({ guestUsername: 'maria' })
      expect(messages[0]?.text).toBe(written.replace('\0', '\ufffd').replace('\ud800', '\ufffd'))
    })
  })

  test('is stored alone as it is in a batch', async ({ database }) => {
    await migrated(database)
    const odd = (field: string): string => `${field} "\\ {,} 👩‍👩‍👧 \t\u0007\0\ud800`
    const full: NewChatMessage = {
      ...{
        guestUsername: odd('guest'),
        guestPhone: odd('phone'),
        clientSocketId: odd('socket'),
        sessionId: odd('session'),
      },
      ...{ senderType: 'CLIENT', messageType: 'IMAGE', text: odd('text'), imageUrl: odd('image') },
      ...{ imageName: odd('name'), mimeType: odd('type'), createdAt: new Date('0001-02-03T04:05:06.789Z') },
    }
    const sparse: NewChatMessage = {
      ...text(''),
      text: '0',
      sessionId: 'null',
      createdAt: new Date('9999-12-31T23:59:59.999Z'),
    }
    await withStore(database, async (store) => {
      const { clientId } = await store.saveChatMessage({ ...text('hi'), guestUsername: odd('guest') })
      const messages = [full, sparse, { ...sparse, sessionId: '{}', clientId }]
      for (const message of messages) await store.saveChatMessage(message)
      await Promise.all(messages.map((message) => store.saveChatMessage(message)))
    })
    const rows = await database.query(
      `SELECT to_jsonb(m) - 'id' - 'idempotencyKey' AS "row" FROM "ChatMessage" AS m ORDER BY id OFFSET 1`,
    )
    expect(rows).toHaveLength(6)
    expect(rows.slice(0, 3)).toEqual(expect.arrayContaining(rows.slice(3)))
  })

  test.for([
    ['text is empty', { text: '' }],
    ['text is larger than 1048576 bytes (maxMessageBytes): it has 1048577', { text: 'x'.repeat(1_048_577) }],
    ['guestUsername is longer than 255 characters', { guestUsername: 'a'.repeat(256) }],
    ['guestUsername is empty', { guestUsername: '  ' }],
    ['no contact: clientId, guestUsername, clientSocketId and sessionId are all missing', { guestUsername: undefined }],
    ['imageUrl is empty', { messageType: 'IMAGE' }],
    ['createdAt is not a valid date', { createdAt: new Date(Number.NaN) }],
    ['idempotencyKey contains a character', { idempotencyKey: 'a\0b' }],
    ['clientId must be a whole number', { clientId: 1.5 }],
    ['clientId must be a whole number from -9007199254740991 to 9007199254740991', { clientId: 2 ** 53 }],
    ['idempotencyKey is larger than 1024 bytes', { idempotencyKey: 'é'.repeat(600) }],
    ['createdAt is not in the years 1 to 9999', { createdAt: new Date(8.64e15) }],
  ] as const)('that is wrong is refused by name: %s', async ([reason, wrong], { database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const send = store.saveChatMessage({ ...text('hi'), guestUsername: 'maria', ...wrong })
      await expect(send).rejects.toMatchObject({
        name: 'InvalidMessage',
        message: expect.stringContaining(reason) as string,
      })
    })
    expect(await countRows(database, 'ChatMessage')).toBe(0)
  })
})

describe('an idempotency key', () => {
  test('is saved once, also when it is resent at the same time from two servers', async ({ database }) => {
    await migrated(database)
    const message = { ...text('once'), guestUsername: 'maria', idempotencyKey: 'key-1' }
    await withStore(database, (one) =>
      withStore(database, async (two) => {
        const saved = await Promise.all(
          Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : two).saveChatMessage(message)),
        )
        expect(new Set(saved.map(({ id }) => id)).size).toBe(1)
        expect(saved.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
      }),
    )
    expect(await countRows(database, 'ChatMessage')).toBe(1)
  })

  test('with another body is a conflict, and the first message stays', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const first = await store.saveChatMessage({ ...text('first'), guestUsername: 'maria', idempotencyKey: 'k' })
      const second = store.saveChatMessage({ ...text('second'), guestUsername: 'maria', idempotencyKey: 'k' })
      await expect(second).rejects.toMatchObject({ name: 'IdempotencyConflict', existingId: first.id })
      const { messages } = await store.getChatHistory({ guestUsername: 'maria' })
      expect(messages.map((message) => message.text)).toEqual(['first'])
    })
  })

  test.for([
    [{ clientId: 1 }, { clientId: 2 }],
    [{ sessionId: 'a' }, { sessionId: 'b' }],
  ] as const)('for another recipient is a conflict, not a duplicate: %j', async ([one, other], { database }) => {
    await migrated(database, 'crm-before')
    const before = await countRows(database, 'ChatMessage')
    await withStore(database, async (store) => {
      await store.saveChatMessage({ ...text('ok'), ...one, idempotencyKey: 'k' })
      const second = store.saveChatMessage({ ...text('ok'), ...other, idempotencyKey: 'k' })
      await expect(second).rejects.toMatchObject({ name: 'IdempotencyConflict' })
    })
    expect(await countRows(database, 'ChatMessage')).toBe(before + 1)
  })

  test('costs a resend no message id', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const message = { ...text('once'), guestUsername: 'maria', idempotencyKey: 'k' }
      for (let n = 0; n < 10; n += 1) await store.saveChatMessage(message)
      const next = await store.saveChatMessage({ ...message, idempotencyKey: 'l' })
      expect(next.id).toBe(2)
    })
  })

  test('is made by the store where none is given, so that twins are two messages', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const twins = [text('ok'), text('ok')].map((twin) => store.saveChatMessage({ ...twin, guestUsername: 'maria' }))
      const [one, two] = await Promise.all(twins)
      expect(one?.idempotencyKey).not.toBe(two?.idempotencyKey)
    })
    expect(await countRows(database, 'ChatMessage')).toBe(2)
  })
})

describe('a save', () => {
  test('survives the end of its connection, and stays one message', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      await store.saveChatMessage({ ...text('first'), guestUsername: 'maria' })
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chatkeep'`,
      )
      const saves = Array.from({ length: 20 }, (_, n) =>
        store.saveChatMessage({ ...text(`m${n}`), guestUsername: 'maria' }),
      )
      await Promise.all(saves)
    })
    expect(await countRows(database, 'ChatMessage')).toBe(21)
  })

  test('fails with a named, retryable error when the database stays unavailable', async () => {
    const store = createChatStore({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none' }, { deadlineMs: 200 })
    const save = store.saveChatMessage({ ...text('hi'), guestUsername: 'maria' })
    await expect(save).rejects.toMatchObject({
      name: 'StoreUnavailable',
      retryable: true,
      code: 'database_unavailable',
    })
    await store.close()
  })

  test('that a trigger swallows is an error, at once', async ({ database }) => {
    await migrated(database)
    await database.load(`
      CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER swallow BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION swallow()`)
    await withStore(database, async (store) => {
      const save = store.saveChatMessage({ ...text('gone'), guestUsername: 'maria' })
      await expect(save).rejects.toMatchObject({ name: 'MessageNotStored', retryable: false })
    })
  })

  test('fails in time on a server that falls silent, and so does close', async ({ database }) => {
    await migrated(database)
    const upstream = new URL(database.url)
    const sockets: Socket[] = []
    let silent = false
    const proxy = createServer((near) => {
      const far = connect(Number(upstream.port), upstream.hostname)
      sockets.push(near, far)
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (chunk) => silent || to.write(chunk))
        from.on('error', () => undefined)
        from.on('close', () => to.destroy())
      }
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const url = new URL(database.url)
    url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const store = createChatStore({ databaseUrl: url.href }, { deadlineMs: 500 })
    await store.saveChatMessage({ ...text('heard'), guestUsername: 'maria' }, { deadlineMs: 30_000 })
    silent = true
    const save = store.saveChatMessage({ ...text('unheard'), guestUsername: 'maria' })
    await expect(save).rejects.toMatchObject({ name: 'StoreUnavailable', retryable: true })
    await store.close()
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })

  test('that the server refuses for good has a type of ours', async ({ database }) => {
    await migrated(database)
    await database.query('ALTER TABLE "ChatMessage" ADD CONSTRAINT "short" CHECK (length("text") < 5)')
    await withStore(database, async (store) => {
      const save = store.saveChatMessage({ ...text('too long'), guestUsername: 'maria' })
      await expect(save).rejects.toMatchObject({ name: 'DatabaseRefused', sqlState: '23514', retryable: false })
    })
  })

  test('names the command when the database was not migrated', async ({ database }) => {
    await loadFixture(database, 'crm-before')
    await withStore(database, async (store) => {
      const save = store.saveChatMessage({ ...text('hi'), guestUsername: 'maria' })
      await expect(save).rejects.toMatchObject({ name: 'SchemaNotReady', hint: 'chatkeep migrate' })
    })
  })

  test.for([
    ['guards the column', 'ADD CONSTRAINT "chatkeep_clientId_not_null" CHECK ("clientId" IS NOT NULL) NOT VALID'],
    ['has closed it', 'ALTER COLUMN "clientId" SET NOT NULL'],
  ])('refuses a message without client only for now while a rollback %s', async ([, change], { database }) => {
    await migrated(database)
    await database.load(`ALTER TABLE "ChatMessage" ${change}; DROP TABLE "chatkeep"."guest_clients"`)
    await withStore(database, async (store) => {
      const save = store.saveChatMessage({ ...text('hi'), guestUsername: 'maria' })
      await expect(save).rejects.toMatchObject({ name: 'SchemaNotReady', hint: 'chatkeep migrate' })
    })
  })

  test('commits durably where the server would not', async ({ database }) => {
    await migrated(database)
    await database.query(`ALTER DATABASE "${database.name}" SET synchronous_commit = off`)
    await database.load(`
      CREATE TABLE seen (setting text);
      CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
      CREATE TRIGGER see AFTER INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION see()`)
    await withStore(database, (store) => store.saveChatMessage({ ...text('durable'), guestUsername: 'maria' }))
    expect(await database.query('SELECT setting FROM seen')).toEqual([{ setting: 'on' }])
  })

  test('waits for close, which refuses what comes later', async ({ database }) => {
    await migrated(database)
    const store = createChatStore({ databaseUrl: database.url })
    const save = store.saveChatMessage({ ...text('in time'), guestUsername: 'maria' })
    await store.close()
    await expect(save).resolves.toMatchObject({ duplicate: false })
    await expect(store.getRecentChats()).rejects.toMatchObject({ name: 'StoreClosed' })
  })

  test("works on the caller's pool and leaves it open", async ({ database }) => {
    await migrated(database)
    const pool = new pg.Pool({ connectionString: database.url, max: 2 })
    // A connection that is still closing when the database is dropped is told so.
    pool.on('error', () => undefined)
    const store = createChatStore({ pool })
    await store.saveChatMessage({ ...text('hi'), guestUsername: 'maria' })
    await store.close()
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await pool.end()
  })
})

describe('times', () => {
  test.for(['America/Argentina/Buenos_Aires', 'Asia/Kathmandu', 'UTC'])(
    'are instants, whatever the zone of the server: %s',
    async (zone, { database }) => {
      await migrated(database)
      await database.query(`ALTER DATABASE "${database.name}" SET timezone = '${zone}'`)
      const createdAt = new Date('2026-03-29T01:30:00.123Z')
      await withStore(database, async (store) => {
        const before = Date.now()
        await store.saveChatMessage({ ...text('then'), guestUsername: 'maria', createdAt })
        const now = await store.saveChatMessage({ ...text('now'), guestUsername: 'maria' })
        expect(Math.abs(now.createdAt.getTime() - before)).toBeLessThan(60_000)
        const { messages } = await store.getChatHistory({ guestUsername: 'maria' })
        expect(messages[0]?.createdAt).toEqual(createdAt)
      })
      const stored = `SELECT to_char("createdAt", 'YYYY-MM-DD HH24:MI:SS.MS') AS at FROM "ChatMessage" WHERE "text" = 'then'`
      expect(await database.query(stored)).toEqual([{ at: '2026-03-29 01:30:00.123' }])
      const clients = await database.query<{ age: number }>(
        `SELECT abs(extract(epoch FROM (now() AT TIME ZONE 'UTC') - "createdAt"))::float AS age FROM "Client"`,
      )
      expect(clients[0]?.age).toBeLessThan(60)
    },
  )
})

describe('history', () => {
  test('gives the newest page and goes both ways without a gap or a double', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      // One instant for several messages: only the id tells them apart.
      for (let n = 1; n <= 25; n += 1) {
        const createdAt = new Date(1_700_000_000_000 + Math.floor(n / 4))
        await store.saveChatMessage({ ...text(`m${n}`), guestUsername: 'maria', createdAt })
      }
      const newest = await store.getChatHistory({ guestUsername: 'maria', limit: 10 })
      expect(newest.messages.map((message) => message.text)).toEqual(Array.from({ length: 10 }, (_, n) => `m${16 + n}`))
      const older = await store.getChatHistory({ guestUsername: 'maria', limit: 10, before: newest.nextBefore ?? '' })
      const oldest = await store.getChatHistory({ guestUsername: 'maria', limit: 10, before: older.nextBefore ?? '' })
      expect(oldest.messages.map((message) => message.text)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
      expect(oldest.nextBefore).toBeNull()
      const forwards = await store.getChatHistory({ guestUsername: 'maria', limit: 10, after: oldest.nextAfter })
      expect(forwards.messages).toEqual(older.messages)
    })
  })

  test("a name alone never opens the registered client's history", async ({ database }) => {
    await migrated(database, 'crm-before')
    const [client] = await database.query<{ id: number; username: string }>(
      'SELECT c.id, c.username FROM "Client" c JOIN "ChatMessage" m ON m."clientId" = c.id LIMIT 1',
    )
    await withStore(database, async (store) => {
      await store.saveChatMessage({ ...text('mine'), guestUsername: client?.username })
      const byName = await store.getChatHistory({ guestUsername: client?.username })
      expect(byName.messages.map((message) => message.text)).toEqual(['mine'])
      const byId = await store.getChatHistory({ clientId: client?.id, limit: 200 })
      expect(byId.messages.length).toBeGreaterThan(1)
    })
  })

  test('of an unknown contact is empty; a broken question is an error', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      expect(await store.getChatHistory({ guestUsername: 'nobody' })).toEqual({
        messages: [],
        nextBefore: null,
        nextAfter: expect.any(String) as string,
      })
      await expect(store.getChatHistory({})).rejects.toMatchObject({ code: 'invalid_contact' })
      await expect(store.getChatHistory({ clientId: 1, sessionId: 'a conversation' })).rejects.toMatchObject({
        code: 'invalid_contact',
      })
      await expect(store.getChatHistory({ clientId: 1, limit: 0 })).rejects.toMatchObject({ code: 'invalid_limit' })
      await expect(store.getChatHistory({ clientId: 1, before: 'x' })).rejects.toMatchObject({ code: 'invalid_cursor' })
      for (const clientId of [null, Number.NaN, 1.5, 2 ** 53] as number[]) {
        await expect(store.getChatHistory({ clientId })).rejects.toMatchObject({ code: 'invalid_contact' })
      }
      await expect(store.getChatHistory({ guestUsername: ' ' })).rejects.toMatchObject({ code: 'invalid_contact' })
      const cursor = '2026-02-31 00:00:00.000000_1'
      await expect(store.getChatHistory({ clientId: 1, before: cursor })).rejects.toMatchObject({
        code: 'invalid_cursor',
      })
    })
  })
})

describe('a stored message', () => {
  test('has exactly the documented fields, with and without a bound of bytes', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      await store.saveChatMessage({ ...text('hello'), guestUsername: 'maria', sessionId: 's-1' })
      for (const bound of [{}, { maxBytes: 1_000 }]) {
        const page = await store.getChatHistory({ guestUsername: 'maria', ...bound })
        expect(fieldsOf(page)).toEqual(['messages', 'nextAfter', 'nextBefore'])
        expect(page.messages.map(fieldsOf)).toEqual([MESSAGE_FIELDS])
        const recent = await store.getRecentChats(bound)
        expect(fieldsOf(recent)).toEqual(['chats', 'nextBefore'])
        expect(recent.chats.map(fieldsOf)).toEqual([
          ['clientId', 'conversations', 'guestUnverified', 'lastMessage', 'phone', 'unreadCount', 'username'],
        ])
        expect(fieldsOf(recent.chats[0]?.lastMessage)).toEqual(MESSAGE_FIELDS)
      }
    })
  })
})

describe('recent chats', () => {
  test('list registered clients and guests, the last active first, with what is unread', async ({ database }) => {
    await migrated(database)
    const at = (n: number) => new Date(1_700_000_000_000 + n * 1_000)
    await database.query(
      `INSERT INTO "Client" (username, phone, "updatedAt") VALUES ('registered', '+49', now()), ('silent', NULL, now())`,
    )
    await withStore(database, async (store) => {
      await store.saveChatMessage({ ...text('a1'), clientId: 1, createdAt: at(1) })
      await store.saveChatMessage({ ...text('g1'), guestUsername: 'guest', createdAt: at(2) })
      await store.saveChatMessage({ ...text('g2'), guestUsername: 'guest', senderType: 'OPERATOR', createdAt: at(3) })
      await database.query(
        `INSERT INTO "ChatMessage" ("createdAt", "guestUsername", "senderType", "messageType", "text")
         VALUES ('2023-11-14 22:14:00', 'unlinked', 'CLIENT', 'TEXT', 'u1'), ('2023-11-14 22:14:01', 'unlinked', 'CLIENT', 'TEXT', 'u2')`,
      )
      const { chats } = await store.getRecentChats({ limit: 10 })
      expect(chats.map(({ username, unreadCount, lastMessage }) => [username, unreadCount, lastMessage.text])).toEqual([
        ['unlinked', 2, 'u2'],
        ['guest', 1, 'g2'],
        ['registered', 1, 'a1'],
      ])
      const first = await store.getRecentChats({ limit: 2 })
      const second = await store.getRecentChats({ limit: 2, before: first.nextBefore ?? '' })
      expect([...first.chats, ...second.chats]).toEqual(chats)
      expect(second.nextBefore).toBeNull()
    })
  })
})

describe('recent chats of', () => {
  const latest = async (store: ChatStore) => {
    const { chats } = await store.getRecentChats({ limit: 1 })
    return chats.map(({ username, phone, guestUnverified }) => [username, phone, guestUnverified])
  }

  test('a guest tell the phone of their last message, also behind answers', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      await store.saveChatMessage({ ...text('hi'), guestUsername: 'maria', guestPhone: '+1' })
      expect(await latest(store)).toEqual([['maria', '+1', false]])
      await store.saveChatMessage({ ...text('hello'), guestUsername: 'maria', senderType: 'OPERATOR' })
      expect(await latest(store)).toEqual([['maria', '+1', false]])
      await database.query('UPDATE "Client" SET "phone" = $1', ['+2 proved'])
      expect(await latest(store)).toEqual([['maria', '+2 proved', false]])
    })
  })

  test('a registered client say when a guest writes under that name, and never tell the phone of that guest', async ({
    database,
  }) => {
    await migrated(database)
    await database.query(`INSERT INTO "Client" (username, "updatedAt") VALUES ('registered', now())`)
    await withStore(database, async (store) => {
      const impostor = { guestUsername: 'registered', guestPhone: '+666' }
      expect(await store.saveChatMessage({ ...text('it is me'), ...impostor })).toMatchObject({ guestUnverified: true })
      expect(await latest(store)).toEqual([['registered', null, true]])
      await store.saveChatMessage({ ...text('are you?'), ...impostor, senderType: 'OPERATOR' })
      expect(await latest(store)).toEqual([['registered', null, true]])
      expect(await store.saveChatMessage({ ...text('indeed'), clientId: 1 })).toMatchObject({ guestUnverified: false })
      expect(await latest(store)).toEqual([['registered', null, false]])
    })
  })
})

describe('marking as read', () => {
  test('stops at the message that was seen, and a second time changes nothing', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const seen = await store.saveChatMessage({ ...text('seen'), guestUsername: 'maria' })
      await store.saveChatMessage({ ...text('mine'), guestUsername: 'maria', senderType: 'OPERATOR' })
      await store.saveChatMessage({ ...text('later'), guestUsername: 'maria' })
      const query = { guestUsername: 'maria', operatorId: 1, upToMessageId: seen.id }
      expect(await store.markMessagesAsRead(query)).toBe(1)
      expect(await store.markMessagesAsRead(query)).toBe(0)
      const { messages } = await store.getChatHistory({ guestUsername: 'maria' })
      expect(messages.map(({ isRead }) => isRead)).toEqual([true, false, false])
      expect(Math.abs((messages[0]?.readAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
    })
  })
})

test('a client that is deleted under way does not cost the message', async ({ database }) => {
  await migrated(database)
  await database.query(`INSERT INTO "Client" (username, "updatedAt") VALUES ('leaving', now())`)
  const blocker = await database.client()
  await blocker.query('BEGIN')
  await blocker.query(`DELETE FROM "Client" WHERE username = 'leaving'`)
  await withStore(database, async (store) => {
    const save = store.saveChatMessage({ ...text('stay'), guestUsername: 'leaving' })
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'chatkeep' AND wait_event_type = 'Lock' AND datname = current_database()`
    await untilRows(database, waiting, { what: 'the save waits for the client' })
    await blocker.query('COMMIT')
    expect(await save).toMatchObject({ duplicate: false, clientId: null })
  })
})
