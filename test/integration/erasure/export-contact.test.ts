import type { PersonRecord } from '../../../src/index.js'
import { on, withStore } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { loadPeople } from '../../support/erasure-people.js'
import { loadPartitioned } from '../../support/partitioned.js'

const all = async (records: AsyncIterable<PersonRecord>): Promise<readonly PersonRecord[]> => {
  const found: PersonRecord[] = []
  for await (const record of records) found.push(record)
  return found
}

describe('exportContact', () => {
  test('reads the same as chatkeep export, whoever answered', async ({ database }) => {
    await loadPeople(database)
    await database.load(`
      INSERT INTO "User" ("name", "username", "passwordHash", "updatedAt") VALUES ('o', 'o', '', now());
      UPDATE "ChatMessage" SET "operatorId" = 1 WHERE "senderType" = 'OPERATOR'`)
    await withStore(database, async (store) => {
      const records = await all(store.exportContact({ usernames: ['bea'] }))
      expect(records[0]).toMatchObject({ type: 'client', row: { username: 'bea' } })
      expect(records[1]).toEqual({ type: 'chatkeep', table: '"chatkeep"."guest_clients"', row: { clientId: 2 } })
      const keys = records.flatMap((one) => (one.type === 'message' ? [one.message.idempotencyKey] : []))
      const printed = await on(database, 'export', '--username', 'bea')
      const lines = printed.stdout.split('\n').filter((line) => line.startsWith('{"type":"message"'))
      expect(keys).toEqual(lines.map((line) => (JSON.parse(line) as { id: string }).id))
      expect(keys).toHaveLength(300)
      expect(JSON.stringify(records)).not.toContain('operatorId')
      await expect(all(store.exportContact({}))).rejects.toMatchObject({ code: 'invalid_contact' })
    })
  })

  test('holds no connection while its reader is slow, and ends with its signal or its store', async ({ database }) => {
    await loadPeople(database)
    await withStore(
      database,
      async (store) => {
        for await (const record of store.exportContact({ usernames: ['ada'] })) {
          if (record.type !== 'message') continue
          // The pool has one connection.
          await store.checkReady()
          expect(store.getLoad().pool).toMatchObject({ waiting: 0, idle: 1 })
          break
        }
        const end = new AbortController()
        const stopped = async (): Promise<void> => {
          for await (const { type } of store.exportContact({ usernames: ['ada'] }, { signal: end.signal }))
            if (type === 'message') end.abort(new Error('enough'))
        }
        await expect(stopped()).rejects.toThrow('enough')
        const rest = store.exportContact({ usernames: ['ada'] })[Symbol.asyncIterator]()
        await rest.next()
        await store.close()
        await expect(all({ [Symbol.asyncIterator]: () => rest })).rejects.toMatchObject({ code: 'store_closed' })
      },
      { maxConnections: 1 },
    )
  })

  test('reads a partitioned table page after page, messages of the same time included', async ({ database }) => {
    await loadPartitioned(database)
    expect((await on(database, 'migrate')).exitCode).toBe(0)
    await database.load(`
      INSERT INTO "Client" ("username", "updatedAt") VALUES ('ada', now());
      INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "createdAt")
      SELECT (SELECT max("id") FROM "Client"), 'CLIENT', 'TEXT', n::text, timestamp '2026-01-01' + n / 7 * interval '1 minute'
      FROM generate_series(1, 10150) AS n`)
    await withStore(database, async (store) => {
      const records = await all(store.exportContact({ usernames: ['ada'] }))
      const texts = records.flatMap((one) => (one.type === 'message' ? [Number(one.message.text)] : []))
      expect(new Set(texts).size).toBe(10_150)
      expect(texts).toHaveLength(10_150)
    })
  })
})
