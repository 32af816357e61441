import { createChatStore, type ChatStore, type NewChatMessage } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { textMessage } from '../../support/load.js'

const oneOfEach = (count: number): NewChatMessage[] =>
  Array.from({ length: count }, (_, n) => ({ ...textMessage(`message ${n}`), guestUsername: `guest ${n}` }))

test('resends of one message by several stores are all answered, also when its operator is unknown', async ({
  database,
}) => {
  await migrated(database)
  const stores = Array.from({ length: 4 }, () => createChatStore({ databaseUrl: database.url }))
  try {
    const answers = await Promise.all(
      stores.flatMap((store) =>
        Array.from({ length: 60 }, (_, n) =>
          store.saveChatMessage({
            ...textMessage(`message ${n % 30}`),
            guestUsername: 'maria',
            operatorId: 999_999,
            idempotencyKey: `key ${n % 30}`,
          }),
        ),
      ),
    )
    expect(new Set(answers.map(({ id }) => id)).size).toBe(30)
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(30)
  } finally {
    await Promise.all(stores.map((store) => store.close()))
  }
})

describe('neighbours are kept when a trigger, for one message,', () => {
  test.for([
    ['names a function that is not there', `PERFORM nothing();`, 'database_refused'],
    ['breaks a rule of the server', `RAISE EXCEPTION 'no' USING ERRCODE = 'XX000';`, 'database_refused'],
    ['says that it cannot be serialized', `RAISE EXCEPTION 'no' USING ERRCODE = '40001';`, 'database_unavailable'],
    ['takes longer than the server allows', `PERFORM pg_sleep(60);`, 'database_unavailable'],
  ])('%s', async ([, statement = '', code = ''], { database }) => {
    await migrated(database)
    await database.load(`
      CREATE FUNCTION "object"() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW."text" = 'message 7' THEN ${statement} END IF; RETURN NEW; END $$;
      CREATE TRIGGER "object" BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION "object"();
      ALTER DATABASE "${database.name}" SET statement_timeout = '300ms'`)
    const store = createChatStore({ databaseUrl: database.url }, { deadlineMs: 4_000 })
    try {
      const answers = await Promise.allSettled(oneOfEach(20).map((message) => store.saveChatMessage(message)))
      const failed = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []))
      expect(failed).toEqual([expect.objectContaining({ code })])
      expect(await database.query('SELECT FROM "ChatMessage" WHERE "clientId" IS NOT NULL')).toHaveLength(19)
    } finally {
      await store.close()
    }
  })
})

test('a sequence that is behind, as after a logical upgrade, blames no message and names the repair', async ({
  database,
}) => {
  await migrated(database)
  await withStore(database, async (store) => {
    for (const message of oneOfEach(9)) await store.saveChatMessage(message)
    await database.query(`SELECT setval('"ChatMessage_id_seq"', 1)`)
    await expect(store.saveChatMessage({ ...textMessage('late'), guestUsername: 'ana' })).rejects.toMatchObject({
      code: 'database_refused',
      sqlState: '23505',
      blames: 'database',
      hint: expect.stringContaining('chatkeep verify') as unknown,
    })
  })
})

test('ids that no longer fit into their column, and a column that nothing fills, blame no message', async ({
  database,
}) => {
  await migrated(database)
  await withStore(database, async (store) => {
    await database.query(`ALTER SEQUENCE "ChatMessage_id_seq" AS bigint NO MAXVALUE`)
    await database.query(`SELECT setval('"ChatMessage_id_seq"', 2147483647)`)
    const save = () => store.saveChatMessage({ ...textMessage('late'), guestUsername: 'ana', operatorId: 1 })
    await expect(save()).rejects.toMatchObject({ sqlState: '22003', blames: 'database' })
    await database.query('ALTER TABLE "ChatMessage" ALTER COLUMN "id" TYPE bigint')
    expect((await save()).id).toBeGreaterThan(2_147_483_647)
    await database.query('ALTER TABLE "ChatMessage" ADD COLUMN "tenant" integer')
    await database.query(`UPDATE "ChatMessage" SET "tenant" = 1`)
    await database.query('ALTER TABLE "ChatMessage" ALTER COLUMN "tenant" SET NOT NULL')
    await expect(save()).rejects.toMatchObject({ sqlState: '23502', blames: 'database' })
  })
})

describe('a trigger that does not work', () => {
  const breakFor = (database: TestDatabase, condition: string) =>
    database.load(`
      CREATE SEQUENCE fired;
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF ${condition} THEN PERFORM nextval('public.fired'); INSERT INTO public.notes VALUES (1); END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER note BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION note()`)

  const saveEach = async (store: ChatStore, messages: readonly NewChatMessage[]): Promise<unknown[]> => {
    const answers = await Promise.allSettled(messages.map((message) => store.saveChatMessage(message)))
    return answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []))
  }

  test('for every message, blames none of them and is not tried with each', async ({ database }) => {
    await migrated(database)
    await breakFor(database, 'true')
    await withStore(database, async (store) => {
      const failed = await saveEach(store, oneOfEach(200))
      expect(failed).toHaveLength(200)
      for (const error of failed) {
        expect(error).toMatchObject({ code: 'database_refused', sqlState: '42P01', blames: 'database' })
      }
    })
    const [{ fired } = {}] = await database.query<{ fired: number }>('SELECT last_value::int AS "fired" FROM fired')
    expect(fired).toBeLessThan(20)
  })

  test('for one message, blames that one, once others like it are stored', async ({ database }) => {
    await migrated(database)
    await breakFor(database, `NEW."text" = 'message 7'`)
    await withStore(database, async (store) => {
      const [, ...others] = oneOfEach(20)
      const alone = others.filter(({ text }) => text === 'message 7')
      expect(await saveEach(store, alone)).toMatchObject([{ sqlState: '42P01', blames: 'database' }])
      expect(await saveEach(store, others)).toMatchObject([{ sqlState: '42P01', blames: 'message' }])
      const ofAnotherKind = others.map((one) =>
        one.text === 'message 7' ? ({ ...one, senderType: 'OPERATOR' } as const) : one,
      )
      expect(await saveEach(store, ofAnotherKind)).toMatchObject([{ sqlState: '42P01', blames: 'database' }])
    })
  })
})

test('a message of a guest is stored without client when the row of the client stays locked', async ({ database }) => {
  await migrated(database)
  await withStore(database, (store) => store.saveChatMessage({ ...textMessage('first'), guestUsername: 'maria' }))
  const holder = await database.client()
  await holder.query('BEGIN; SELECT FROM "Client" FOR UPDATE')
  const store = createChatStore({ databaseUrl: database.url }, { deadlineMs: 3_000 })
  try {
    const saved = await store.saveChatMessage({ ...textMessage('second'), guestUsername: 'maria' })
    expect(saved).toMatchObject({ clientId: null, duplicate: false })
  } finally {
    await holder.query('ROLLBACK')
    await store.close()
  }
})
