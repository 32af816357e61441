import { on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadPeople, peopleLeft as left } from '../../support/erasure-people.js'

/** Makes a trigger of the application keep rows, as a soft delete does, or put back columns that it protects. */
const keep = async (
  database: TestDatabase,
  table: string,
  condition: string,
  event = 'DELETE',
  body = 'RETURN NULL',
): Promise<void> => {
  await database.load(`
    CREATE FUNCTION keep_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; END $$;
    CREATE TRIGGER soft_delete BEFORE ${event} ON "${table}" FOR EACH ROW WHEN (${condition}) EXECUTE FUNCTION keep_row()`)
}

describe('rows that a trigger keeps', () => {
  test('erase names the trigger, fails, and leaves the client, with --keep-client as well', async ({ database }) => {
    await loadPeople(database)
    await keep(database, 'ChatMessage', 'OLD."id" % 2 = 0')
    const argv = ['erase', '--username', 'ada', '--confirm', database.name, '--batch-size', '100'] as const
    for (const flags of [[], ['--keep-client']]) {
      const failed = await on(database, ...argv, ...flags)
      expect([failed.exitCode, failed.stderr]).toEqual([
        1,
        expect.stringContaining('error: 301 messages are still there: a trigger keeps rows of "public"."ChatMessage"'),
      ])
      expect(failed.stderr).toContain('BEFORE DELETE trigger soft_delete, function keep_row()')
      expect(await left(database)).toMatchObject({ messages: 605, clients: ['ada', 'bea', 'eve'] })
    }
    await database.load('DROP TRIGGER soft_delete ON "ChatMessage"')
    expect((await on(database, ...argv)).exitCode).toBe(0)
  })

  test('retain counts what is still there, and deletes it once the trigger lets it go', async ({ database }) => {
    await loadPeople(database)
    await keep(database, 'ChatMessage', 'OLD."id" <= 99')
    const argv = ['retain', '--older-than', '1ms', '--confirm', database.name, '--json'] as const
    const failed = await on(database, ...argv)
    const { error } = JSON.parse(failed.stdout) as { error: unknown }
    expect([failed.exitCode, error]).toMatchObject([
      1,
      { code: 'rows_kept', message: expect.stringContaining('99 messages are still there') as string },
    ])
    expect((await on(database, ...argv)).exitCode).toBe(1)
    await database.load('ALTER TABLE "ChatMessage" DISABLE TRIGGER soft_delete')
    expect(JSON.parse((await on(database, ...argv)).stdout)).toMatchObject({ ok: true, deleted: 99 })
  })

  test.for([
    ['delete', 'RETURN NULL', {}, 'client 1 is still there'],
    ['update', 'RETURN NULL', { keepClient: true }, 'client 1 is unchanged'],
    ['update', 'RETURN OLD', { keepClient: true }, 'client 1 is unchanged'],
    ['update', 'NEW."phone" := OLD."phone"; RETURN NEW', { keepClient: true }, 'client 1 is unchanged'],
    ['update', 'NEW."username" := OLD."username"; RETURN NEW', { keepClient: true }, 'client 1 is unchanged'],
  ] as const)(
    'a client that a trigger does not let %s (%s) is no success',
    async ([event, body, given, text], { database }) => {
      await loadPeople(database)
      await keep(database, 'Client', 'true', event, body)
      await withStore(database, async (store) => {
        await expect(store.eraseContact({ usernames: ['ada'] }, given)).rejects.toMatchObject({
          code: 'rows_kept',
          message: expect.stringContaining(text) as string,
          details: [expect.stringContaining('trigger soft_delete')],
        })
      })
      expect(await database.query('SELECT "username", "phone" FROM "Client" WHERE "id" = 1')).toEqual([
        { username: 'ada', phone: '+1' },
      ])
    },
  )

  test('a client is anonymised where a trigger writes the name in capitals', async ({ database }) => {
    await loadPeople(database)
    await keep(database, 'Client', 'true', 'UPDATE', 'NEW."username" := upper(NEW."username"); RETURN NEW')
    const argv = ['erase', '--client-id', '1', '--keep-client', '--confirm', database.name] as const
    expect((await on(database, ...argv)).stdout).toContain('1 client anonymised')
    expect(await database.query('SELECT "username", "phone" FROM "Client" WHERE "id" = 1')).toEqual([
      { username: 'ERASED-1', phone: null },
    ])
  })

  test('the calls of the store reject, and do not resolve to nothing', async ({ database }) => {
    await loadPeople(database)
    await keep(database, 'ChatMessage', 'true')
    await withStore(database, async (store) => {
      const wanted = { code: 'rows_kept', retryable: false, details: [expect.stringContaining('soft_delete')] }
      await expect(store.eraseContact({ usernames: ['ada'] }, { batchSize: 10 })).rejects.toMatchObject(wanted)
      await expect(store.deleteMessagesBefore(new Date(), { batchSize: 10 })).rejects.toMatchObject(wanted)
    })
    expect(await left(database)).toMatchObject({ messages: 606 })
  })

  test('a message that is deleted or edited stays as it is, and nothing is noted of it', async ({ database }) => {
    const columns = `NEW."text" := OLD."text"; RETURN NEW`
    await loadPeople(database)
    await withStore(database, async (store) => {
      const { id } = await store.saveChatMessage({
        ...{ senderType: 'CLIENT', messageType: 'TEXT', text: 'first', guestUsername: 'ada', idempotencyKey: 'k' },
      })
      for (const [event, body, change] of [
        ['DELETE', 'RETURN NULL', () => store.deleteMessage({ id })],
        ['UPDATE', 'RETURN NULL', () => store.editMessage({ id, text: 'second' })],
        ['UPDATE', 'RETURN OLD', () => store.editMessage({ id, text: 'second' })],
        ['UPDATE', columns, () => store.editMessage({ id, text: 'second', imageName: 'changed' })],
      ] as const) {
        await keep(database, 'ChatMessage', `OLD."id" = ${id}`, event, body)
        await expect(change()).rejects.toMatchObject({
          code: 'rows_kept',
          message: expect.stringContaining(`message ${id} is `) as string,
          details: [expect.stringContaining('soft_delete')],
        })
        await database.load('DROP FUNCTION keep_row CASCADE')
      }
      expect(await database.query('SELECT FROM chatkeep.changed_messages')).toEqual([])
      await keep(database, 'ChatMessage', 'true', 'UPDATE', 'NEW."text" := rtrim(NEW."text"); RETURN NEW')
      expect(await store.editMessage({ id, text: 'first', imageName: 'a' })).toMatchObject({
        text: 'first',
        imageName: 'a',
      })
      expect(await store.editMessage({ id, text: 'second ' })).toMatchObject({ text: 'second' })
      expect(await store.deleteMessage({ id: id + 1 })).toBe(false)
      expect(await store.deleteMessage({ id })).toBe(true)
    })
  })

  test.for([
    ['RETURN NULL', 'RETURN NULL'],
    ['NEW."clientId" := OLD."clientId"; RETURN NEW', 'NEW."username" := OLD."username"; RETURN NEW'],
    ['RETURN OLD', 'RETURN OLD'],
  ] as const)('a client is not renamed, nor merged, in part (%s)', async ([ofClientId, ofClient], { database }) => {
    await loadPeople(database)
    const clients = async () =>
      database.query(
        'SELECT "id", "username", (SELECT count(*)::integer FROM "ChatMessage" WHERE "clientId" = c."id") FROM "Client" AS c',
      )
    const before = await clients()
    await database.load(`
      CREATE TABLE "Order" ("id" integer PRIMARY KEY, "clientId" integer REFERENCES "Client");
      INSERT INTO "Order" VALUES (1, 2)`)
    await withStore(database, async (store) => {
      for (const [table, change] of [
        ['Client', () => store.renameClient({ clientId: 2, username: 'other' })],
        ['ChatMessage', () => store.mergeClients({ from: 2, into: 1, references: 'keep' })],
        ['Order', () => store.mergeClients({ from: 2, into: 1, references: 'move' })],
      ] as const) {
        const [column, body] = table === 'Client' ? ['id', ofClient] : ['clientId', ofClientId]
        await keep(database, table, `OLD."${column}" = 2`, 'UPDATE', body)
        await expect(change()).rejects.toMatchObject({
          code: 'rows_kept',
          message: expect.stringContaining(table) as string,
        })
        await database.load('DROP FUNCTION keep_row CASCADE')
      }
      expect(await clients()).toEqual(before)
      for (const table of ['client_aliases', 'merged_clients', 'moved_messages'])
        expect(await database.query(`SELECT FROM chatkeep.${table}`)).toEqual([])
      await store.mergeClients({ from: 2, into: 1, references: 'move' })
    })
  })

  test('a merge of thousands of messages ends at the first ones that a trigger puts back', async ({ database }) => {
    await loadPeople(database)
    await database.load(`
      INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text")
      SELECT 2, 'CLIENT', 'TEXT', 'later' FROM generate_series(1, 2500)`)
    await keep(
      ...([database, 'ChatMessage', `OLD."text" = 'later'`, 'UPDATE'] as const),
      'NEW."clientId" := OLD."clientId"; RETURN NEW',
    )
    await withStore(database, async (store) => {
      await expect(store.mergeClients({ from: 2, into: 1 })).rejects.toMatchObject({
        code: 'rows_kept',
        message: expect.stringContaining('700 messages are unchanged') as string,
        details: [expect.stringContaining('soft_delete')],
      })
    })
    expect(await database.query('SELECT FROM chatkeep.moved_messages')).toEqual([])
  })

  test('a client has the name that a trigger makes of the new one, and the former one as well', async ({
    database,
  }) => {
    await loadPeople(database)
    await keep(database, 'Client', 'true', 'UPDATE', 'NEW."username" := lower(NEW."username"); RETURN NEW')
    await withStore(database, async (store) => {
      const renamed = { clientId: 1, username: 'maria', formerUsername: 'ada' }
      expect(await store.renameClient({ clientId: 1, username: 'Maria' })).toEqual(renamed)
      expect(await database.query('SELECT "username" FROM chatkeep.client_aliases')).toEqual([{ username: 'ada' }])
      await expect(store.renameClient({ clientId: 1, username: 'Unlinked' })).rejects.toMatchObject({
        code: 'username_taken',
      })
      await expect(store.renameClient({ clientId: 1, username: 'MARIA' })).rejects.toMatchObject({ code: 'rows_kept' })
      expect(await store.renameClient({ clientId: 1, username: 'Ada' })).toMatchObject({ username: 'ada' })
      expect(await database.query('SELECT "username" FROM chatkeep.client_aliases')).toEqual([{ username: 'maria' }])
    })
  })

  test('messages that a trigger keeps unread are not counted as marked', async ({ database }) => {
    await loadPeople(database)
    await withStore(database, async (store) => {
      const mark = () => store.markMessagesAsRead({ clientId: 1, operatorId: null })
      await keep(database, 'ChatMessage', 'OLD."id" > 3', 'UPDATE', 'RETURN OLD')
      const [unread] = await database.query<{ count: number }>(
        `SELECT count(*)::integer FROM "ChatMessage" WHERE "clientId" = 1 AND "senderType" = 'CLIENT' AND "id" <= 3`,
      )
      expect(await mark()).toBe(unread?.count)
      expect(unread?.count).toBeGreaterThan(0)
      expect(await mark()).toBe(0)
    })
  })
})
