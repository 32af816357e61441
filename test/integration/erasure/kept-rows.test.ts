import { on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadPeople, peopleLeft as left } from '../../support/erasure-people.js'

/** Makes a trigger of the application keep rows, as a soft delete does. */
const keep = async (database: TestDatabase, table: string, condition: string, event = 'DELETE'): Promise<void> => {
  await database.load(`
    CREATE FUNCTION keep_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
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
    ['delete', {}, 'client 1 is still there'],
    ['update', { keepClient: true }, 'client 1 is unchanged'],
  ] as const)('a client that a trigger does not let %s is no success', async ([event, given, text], { database }) => {
    await loadPeople(database)
    await keep(database, 'Client', 'true', event)
    await withStore(database, async (store) => {
      await expect(store.eraseContact({ usernames: ['ada'] }, given)).rejects.toMatchObject({
        code: 'rows_kept',
        message: expect.stringContaining(text) as string,
        details: [expect.stringContaining('trigger soft_delete')],
      })
    })
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
    await loadPeople(database)
    await withStore(database, async (store) => {
      const { id } = await store.saveChatMessage({
        ...{ senderType: 'CLIENT', messageType: 'TEXT', text: 'first', guestUsername: 'ada', idempotencyKey: 'k' },
      })
      for (const [event, change] of [
        ['DELETE', () => store.deleteMessage({ id })],
        ['UPDATE', () => store.editMessage({ id, text: 'second' })],
      ] as const) {
        await keep(database, 'ChatMessage', `OLD."id" = ${id}`, event)
        await expect(change()).rejects.toMatchObject({
          code: 'rows_kept',
          message: expect.stringContaining(`message ${id} is `) as string,
          details: [expect.stringContaining('soft_delete')],
        })
        await database.load('DROP FUNCTION keep_row CASCADE')
      }
      expect(await database.query('SELECT FROM chatkeep.changed_messages')).toEqual([])
      expect(await store.deleteMessage({ id: id + 1 })).toBe(false)
      expect(await store.deleteMessage({ id })).toBe(true)
    })
  })

  test('a client is not renamed, nor merged, in part', async ({ database }) => {
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
        await keep(database, table, `OLD."${table === 'Client' ? 'id' : 'clientId'}" = 2`, 'UPDATE')
        await expect(change()).rejects.toMatchObject({
          code: 'rows_kept',
          message: expect.stringContaining(table) as string,
        })
        await database.load('DROP FUNCTION keep_row CASCADE')
      }
      expect(await clients()).toEqual(before)
      expect(await database.query('SELECT FROM chatkeep.client_aliases')).toEqual([])
      await store.mergeClients({ from: 2, into: 1, references: 'move' })
    })
  })
})
