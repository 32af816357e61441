import pg from 'pg'
import { createChatStore, type ChatStore, type NewChatMessage } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'

/** A store, and how many statements its pool has sent since the last call of `count`. */
const withCounted = async (
  database: TestDatabase,
  work: (store: ChatStore, count: () => number) => Promise<void>,
): Promise<void> => {
  let statements = 0
  const pool = new pg.Pool({ connectionString: database.url })
  pool.on('connect', (client) => {
    const query: unknown = Reflect.get(client, 'query')
    const counted = (...args: unknown[]): unknown => {
      statements += 1
      return Reflect.apply(query as () => unknown, client, args)
    }
    Object.assign(client, { query: counted })
  })
  const store = createChatStore({ pool })
  try {
    await work(store, () => {
      const counted = statements
      statements = 0
      return counted
    })
  } finally {
    await store.close()
    await pool.end()
  }
}

const idOf = async (store: ChatStore, rest: Partial<NewChatMessage>): Promise<number> =>
  (await store.saveChatMessage({ ...textMessage('hello'), ...rest })).clientId ?? -1

test('a save takes one statement; under a former name, or for a merged client, from the second on', async ({
  database,
}) => {
  await migrated(database)
  await withCounted(database, async (store, count) => {
    const [maria, pedro, ana] = [
      await idOf(store, { guestUsername: 'maria' }),
      await idOf(store, { guestUsername: 'pedro' }),
      await idOf(store, { guestUsername: 'ana' }),
    ]
    const statementsFor = async (contact: Partial<NewChatMessage>): Promise<readonly number[]> => {
      count()
      const clientId = await idOf(store, contact)
      return [clientId, count()]
    }
    expect(await statementsFor({ guestUsername: 'maria' })).toEqual([maria, 1])
    expect(await statementsFor({ clientId: maria })).toEqual([maria, 1])
    expect(await statementsFor({ clientSocketId: 'a socket' })).toEqual([-1, 1])

    await store.renameClient({ clientId: maria, username: 'Maria Lopez' })
    expect(await statementsFor({ guestUsername: 'Maria Lopez' })).toEqual([maria, 1])
    expect((await statementsFor({ guestUsername: 'maria' }))[0]).toBe(maria)
    await store.mergeClients({ from: pedro, into: ana })
    for (const contact of [{ clientId: pedro }, { guestUsername: 'pedro' }, { clientId: ana }])
      expect(await statementsFor(contact)).toEqual([ana, 1])
    expect(await statementsFor({ guestUsername: 'maria' })).toEqual([maria, 1])
  })
})

test('messages of one conversation stay in the order of the calls when only some are for a client who was merged', async ({
  database,
}) => {
  await migrated(database)
  await withCounted(database, async (store) => {
    const [from, into] = [await idOf(store, { guestUsername: 'pedro' }), await idOf(store, { guestUsername: 'ana' })]
    await store.mergeClients({ from, into })
    const contacts = [{ clientId: from }, { clientId: into }, { guestUsername: 'pedro' }, { guestUsername: 'ana' }]
    // In one turn, so in one batch.
    const saved = await Promise.all(
      [...contacts, ...contacts].map((contact) =>
        store.saveChatMessage({ ...textMessage('hello'), ...contact, sessionId: 'one conversation' }),
      ),
    )
    expect(saved.map(({ clientId }) => clientId)).toEqual(saved.map(() => into))
    const ids = saved.map(({ id }) => id)
    expect(ids).toEqual(ids.toSorted((a, b) => a - b))
  })
})

test('a connection plans the save of one message a few times, and takes its fields as they are', async ({
  database,
}) => {
  await migrated(database)
  const clientId = await withStore(database, (store) => idOf(store, { guestUsername: 'maria' }))
  await database.query('ANALYZE')
  for (const contact of [
    { guestUsername: 'maria' },
    { clientId },
    { clientId, guestUsername: 'maria' },
    { sessionId: 's' },
  ]) {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    const store = createChatStore({ pool })
    try {
      for (let n = 0; n < 8; n += 1) await idOf(store, contact)
      const { rows } = await pool.query(
        `SELECT cardinality(parameter_types) AS "fields", custom_plans::integer AS "plans" FROM pg_prepared_statements`,
      )
      expect(rows, JSON.stringify(contact)).toEqual([{ fields: 14, plans: 5 }])
    } finally {
      await store.close()
      await pool.end()
    }
  }
})
