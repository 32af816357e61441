import { createChatStore, type ChatStore, type ChatMessage } from '../../../src/index.js'
import { migrated, withStore } from '../../support/chat.js'
import { expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'

const text = (body: string, sessionId: string) =>
  ({ senderType: 'CLIENT', messageType: 'TEXT', text: body, sessionId }) as const

/** Polls a conversation, and remembers what it saw. */
const createPoller = (store: ChatStore, sessionId: string) => {
  const seen: string[] = []
  let after: string | undefined
  return {
    seen,
    poll: async (limit = 200): Promise<readonly ChatMessage[]> => {
      const page = await store.getChatHistory({ sessionId, after, limit })
      after = page.nextAfter
      seen.push(...page.messages.map((message) => message.text ?? ''))
      return page.messages
    },
  }
}

/** A transaction of the application, in which its column's default takes the time. */
const beginInsert = async (database: TestDatabase, sessionId: string, body: string) => {
  const client = await database.client()
  await client.query('BEGIN')
  await client.query('SET LOCAL TIME ZONE UTC')
  return {
    insert: () =>
      client.query(
        `INSERT INTO "ChatMessage" ("sessionId", "senderType", "messageType", "text") VALUES ($1, 'OPERATOR', 'TEXT', $2)`,
        [sessionId, body],
      ),
    commit: () => client.query('COMMIT'),
  }
}

const withReader = async (database: TestDatabase, work: (reader: ChatStore) => Promise<void>): Promise<void> =>
  withLimitedRole(database, async ({ name, url }) => {
    await database.query(`GRANT SELECT ON "ChatMessage", "Client" TO ${name}`)
    const reader = createChatStore({ databaseUrl: url })
    try {
      await work(reader)
    } finally {
      await reader.close()
    }
  })

test('polling shows each message at once and once, however late an earlier one is committed', async ({ database }) => {
  await migrated(database)
  await withStore(database, (store) =>
    // The reader sees nothing of the sessions of other roles.
    withReader(database, async (reader) => {
      const { poll, seen } = createPoller(reader, 's')
      expect(await poll()).toEqual([])
      const [early, late] = [await beginInsert(database, 's', 'early'), await beginInsert(database, 's', 'late')]
      await early.insert()
      await store.saveChatMessage(text('one', 's'))
      await poll()
      await poll()
      expect(seen).toEqual(['one'])
      await store.saveChatMessage(text('two', 's'))
      await early.commit()
      // In the order of their times, though it begins before what was shown.
      expect((await poll()).map((message) => message.text)).toEqual(['early', 'two'])
      for (let n = 0; n < 5; n += 1) await poll()
      // Its transaction had no xid when the others were shown.
      await late.insert()
      await late.commit()
      await store.saveChatMessage(text('three', 's'))
      for (let n = 0; n < 3; n += 1) await poll(1)
      expect(seen).toEqual(['one', 'early', 'two', 'late', 'three'])

      // Who begins behind the newest message sees what was committed late, and nothing of what was there.
      const begun = await beginInsert(database, 's', 'begun')
      await begun.insert()
      await store.saveChatMessage(text('four', 's'))
      const newest = await reader.getChatHistory({ sessionId: 's', limit: 1 })
      await begun.commit()
      const [next, older] = [
        await reader.getChatHistory({ sessionId: 's', after: newest.nextAfter }),
        await reader.getChatHistory({ sessionId: 's', before: newest.nextAfter }),
      ]
      expect(next.messages.map((message) => message.text)).toEqual(['begun'])
      expect(older.messages.at(-1)?.text).toBe('begun')

      // A cursor of an earlier version, and one that was changed.
      const [plain = ''] = newest.nextAfter.split('~')
      expect((await reader.getChatHistory({ sessionId: 's', after: plain })).messages).toEqual([])
      const changed = reader.getChatHistory({ sessionId: 's', after: `${plain}~` })
      await expect(changed).rejects.toMatchObject({ code: 'invalid_cursor' })
    }),
  )
})

test('polling shows everything of several writers, in pages of any size', async ({ database }) => {
  await migrated(database)
  const MESSAGES = 200
  await withStore(database, (one) =>
    withStore(database, async (other) => {
      const { poll, seen } = createPoller(one, 'busy')
      const { poll: pollInParts, seen: seenInParts } = createPoller(one, 'busy')
      // A first page is the newest one: polling begins before there is more than that.
      await Promise.all([poll(), pollInParts(7)])
      let writers = 3
      const write = async (store: ChatStore, name: string): Promise<void> => {
        for (let n = 0; n < MESSAGES; n += 1) await store.saveChatMessage(text(`${name}${n}`, 'busy'))
        writers -= 1
      }
      const writing = Promise.all([write(one, 'a'), write(other, 'b'), write(other, 'c')])
      while (writers > 0) await Promise.all([poll(), pollInParts(7)])
      await writing
      while ((await poll()).length + (await pollInParts(7)).length > 0);
      for (const all of [seen, seenInParts])
        expect([new Set(all).size, all.length]).toEqual([3 * MESSAGES, 3 * MESSAGES])
    }),
  )
})
