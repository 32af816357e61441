import { createChatStore, type ChatStore, type NewChatMessage, type SavedChatMessage } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'
import { textMessage } from '../../support/load.js'
import { untilRows } from '../../support/until.js'

const save = (store: ChatStore, guestUsername: string, rest: Partial<NewChatMessage> = {}): Promise<SavedChatMessage> =>
  store.saveChatMessage({ ...textMessage('hello'), guestUsername, ...rest })

const register = async (database: TestDatabase, username: string, phone: string | null = null): Promise<number> => {
  const [row] = await database.query<{ id: number }>(
    `INSERT INTO "Client" ("username", "phone", "updatedAt") VALUES ($1, $2, now()) RETURNING "id"`,
    [username, phone],
  )
  return row?.id ?? -1
}

const readClients = (database: TestDatabase) =>
  database.query('SELECT "username", "phone" FROM "Client" ORDER BY "username"')

const readMessages = (database: TestDatabase, column: string) =>
  database
    .query(`SELECT "${column}" AS "value" FROM "ChatMessage" ORDER BY "id"`)
    .then((rows) => rows.map(({ value }) => value))

describe('the name of a guest', () => {
  test('is the same however it is spelled in bytes and white space, and case matters', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const spellings = ['Jose\u0301', ' Jos\u00e9', 'Jos\u00e9\t\n', '\u00a0Jos\u00e9\u2003', 'Jos\u00e9']
      const saved = await Promise.all(spellings.map((name) => save(store, name)))
      expect(new Set(saved.map(({ clientId }) => clientId)).size).toBe(1)
      const others = await Promise.all(
        ['jos\u00e9', 'Jose', 'JOS\u00c9', 'Jo s\u00e9'].map((name) => save(store, name)),
      )
      expect(new Set(others.map(({ clientId }) => clientId)).size).toBe(4)
    })
    expect(await readClients(database)).toHaveLength(5)
    expect((await readMessages(database, 'guestUsername')).slice(0, 5)).toEqual(
      Array.from({ length: 5 }, () => 'Jos\u00e9'),
    )
  })

  test('counts 255 characters after it was trimmed and composed, and 256 are refused', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      const saved = await save(store, `  ${'e\u0301'.repeat(255)}  `)
      expect(saved).toMatchObject({ clientCreated: true })
      for (const name of ['a'.repeat(256), '', '  \t ']) {
        await expect(save(store, name)).rejects.toMatchObject({ name: 'InvalidMessage' })
      }
    })
    expect(await readMessages(database, 'guestUsername')).toEqual(['\u00e9'.repeat(255)])
  })
})

describe('the phone of a guest', () => {
  test('is kept as given on the message, however it is written, and not given to the client', async ({ database }) => {
    await migrated(database)
    const phones = ['+1 (555) 0100', '+15550100', '0015550100', ' +15550100', '☎ 5550100']
    await withStore(database, (store) =>
      Promise.all(phones.map((guestPhone, n) => save(store, `guest ${n}`, { guestPhone, text: guestPhone }))),
    )
    expect(await readClients(database)).toEqual(phones.map((_, n) => ({ username: `guest ${n}`, phone: null })))
    expect(await readMessages(database, 'guestPhone')).toEqual(phones)
  })

  test('does not keep the person whose phone it is from registering, and is never taken from a client', async ({
    database,
  }) => {
    await migrated(database)
    const owner = await register(database, 'owner', '555-1')
    await withStore(database, async (store) => {
      await save(store, 'stranger', { guestPhone: '555-1' })
      await save(store, 'stranger', { guestPhone: '555-2' })
      await save(store, 'owner', { guestPhone: '555-3' })
      await save(store, 'owner', { clientId: owner, guestPhone: '555-4' })
    })
    await register(database, 'person', '555-2')
    expect(await readClients(database)).toEqual([
      { username: 'owner', phone: '555-1' },
      { username: 'person', phone: '555-2' },
      { username: 'stranger', phone: null },
    ])
    expect(await readMessages(database, 'guestPhone')).toEqual(['555-1', '555-2', '555-3', '555-4'])
  })

  test('that comes later is kept on the message; the client stays as it is', async ({ database }) => {
    await migrated(database)
    await withStore(database, async (store) => {
      await save(store, 'maria')
      await save(store, 'maria', { guestPhone: '555-1' })
    })
    expect(await readClients(database)).toEqual([{ username: 'maria', phone: null }])
    expect(await readMessages(database, 'guestPhone')).toEqual([null, '555-1'])
  })
})

describe('what is written under the name of', () => {
  const BOTH_SIDES: readonly Partial<NewChatMessage>[] = [{}, { senderType: 'OPERATOR' }]

  test('a registered client is linked, and unverified if it comes from the client’s side', async ({ database }) => {
    await migrated(database)
    const clientId = await register(database, 'maria')
    await withStore(database, async (store) => {
      for (const side of BOTH_SIDES) expect(await save(store, 'maria', side)).toMatchObject({ clientId })
      // Who names the client by its id has been verified by the application.
      await save(store, 'maria', { clientId })
      await store.saveChatMessage({ ...textMessage('hello'), clientId })
    })
    expect(await readMessages(database, 'guestUnverified')).toEqual([true, false, false, false])
    expect(await readMessages(database, 'guestUsername')).toEqual(['maria', 'maria', 'maria', null])
  })

  test('a registered client is unverified also when the id that comes with it does not exist', async ({ database }) => {
    await migrated(database)
    const clientId = await register(database, 'maria')
    await withStore(database, async (store) => {
      expect(await save(store, 'maria', { clientId: 4711 })).toMatchObject({ clientId })
    })
    expect(await readMessages(database, 'guestUnverified')).toEqual([true])
  })

  test('a guest is that guest’s own, from the first messages on, on two servers at once', async ({ database }) => {
    await migrated(database)
    const [one, other] = [
      createChatStore({ databaseUrl: database.url }),
      createChatStore({ databaseUrl: database.url }),
    ]
    const saved = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        save(n % 2 === 0 ? one : other, 'maria', { ...BOTH_SIDES[n % 3 === 0 ? 1 : 0] }),
      ),
    )
    await save(one, 'maria')
    await Promise.all([one.close(), other.close()])
    expect(new Set(saved.map(({ clientId }) => clientId)).size).toBe(1)
    expect(saved.filter(({ clientCreated }) => clientCreated)).toHaveLength(1)
    expect(await readMessages(database, 'guestUnverified')).toEqual(Array.from({ length: 41 }, () => false))
  })

  test('a client that is registered while the first messages are under way is the client’s', async ({ database }) => {
    await migrated(database)
    const rival = await database.client()
    await rival.query('BEGIN')
    const { rows } = await rival.query<{ id: number }>(
      `INSERT INTO "Client" ("username", "updatedAt") VALUES ('maria', now()) RETURNING "id"`,
    )
    await withStore(database, async (store) => {
      const saves = Promise.all(Array.from({ length: 5 }, () => save(store, 'maria')))
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chatkeep' AND wait_event_type = 'Lock'`
      await untilRows(database, waiting, { what: 'the save waits for the rival' })
      await rival.query('COMMIT')
      for (const saved of await saves) expect(saved).toMatchObject({ clientId: rows[0]?.id, clientCreated: false })
    })
    expect(new Set(await readMessages(database, 'guestUnverified'))).toEqual(new Set([true]))
  })
})

describe('a guest is kept', () => {
  test('with a client that has columns unknown to chatkeep, if they need no value', async ({ database }) => {
    await migrated(database)
    await database.load(`
      ALTER TABLE "Client" ADD COLUMN "tenant" integer NOT NULL DEFAULT 7, ADD COLUMN "note" text,
        ADD COLUMN "label" text NOT NULL GENERATED ALWAYS AS ('client ' || "username") STORED`)
    await withStore(database, async (store) => {
      expect(await save(store, 'maria')).toMatchObject({ clientCreated: true })
    })
    expect(await database.query('SELECT "tenant", "note", "label" FROM "Client"')).toEqual([
      { tenant: 7, note: null, label: 'client maria' },
    ])
  })

  test('without client where one cannot be made, and the neighbours are linked to theirs', async ({ database }) => {
    await migrated(database)
    await register(database, 'known')
    await database.query('ALTER TABLE "Client" ADD COLUMN "tenant" integer')
    await database.query('UPDATE "Client" SET "tenant" = 1')
    await database.query('ALTER TABLE "Client" ALTER "tenant" SET NOT NULL')
    await withStore(database, async (store) => {
      const saved = await Promise.all(
        Array.from({ length: 20 }, (_, n) => save(store, n % 2 === 0 ? 'known' : `new ${n}`)),
      )
      expect(saved.map(({ clientId }) => clientId !== null)).toEqual(saved.map((_, n) => n % 2 === 0))
    })
  })

  test('without client where the name is too long for the application, and the neighbours with theirs', async ({
    database,
  }) => {
    await migrated(database)
    await database.query('ALTER TABLE "Client" ALTER "username" TYPE varchar(20)')
    await withStore(database, async (store) => {
      const names = Array.from({ length: 20 }, (_, n) => (n === 10 ? 'x'.repeat(21) : `guest ${n}`))
      const saved = await Promise.all(names.map((name) => save(store, name)))
      expect(saved.flatMap(({ clientId }, n) => (clientId === null ? [n] : []))).toEqual([10])
    })
  })

  test.for(['public."Client"', 'chatkeep.guest_clients'])(
    'without client where the role may not write to %s',
    async (table, { database }) => {
      await migrated(database)
      const clientId = await register(database, 'known')
      await withLimitedRole(database, async ({ name, url }) => {
        await database.load(`
        GRANT USAGE ON SCHEMA chatkeep TO ${name};
        GRANT ALL ON ALL TABLES IN SCHEMA public, chatkeep TO ${name};
        GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${name};
        REVOKE INSERT ON ${table} FROM ${name}`)
        await withStore({ ...database, url }, async (store) => {
          const saved = await Promise.all(['new', 'known', 'another'].map((username) => save(store, username)))
          expect(saved.map(({ clientId }) => clientId)).toEqual([null, clientId, null])
        })
      })
    },
  )

  test.for(['public."Client"', 'chatkeep.guest_clients'])(
    'without client where the role may not read %s',
    async (table, { database }) => {
      await migrated(database)
      await register(database, 'known')
      await withLimitedRole(database, async ({ name, url }) => {
        await database.load(`
        GRANT USAGE ON SCHEMA chatkeep TO ${name};
        GRANT ALL ON ALL TABLES IN SCHEMA public, chatkeep TO ${name};
        GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${name};
        REVOKE ALL ON ${table} FROM ${name}`)
        await withStore({ ...database, url }, async (store) => {
          const saved = await Promise.all(['new', 'known'].map((username) => save(store, username)))
          expect(saved).toMatchObject([{ clientId: null }, { clientId: null }])
        })
      })
      expect(await readMessages(database, 'guestUsername')).toEqual(['new', 'known'])
    },
  )
})
