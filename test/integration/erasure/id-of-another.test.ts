import type { NewChatMessage } from '../../../src/index.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { expect, test } from '../../support/database.js'

const of = (clientId: number, text: string): NewChatMessage => ({
  ...{ clientId, text, senderType: 'CLIENT', messageType: 'TEXT', idempotencyKey: text },
})

// As reconcile, which does not link such a message.
test('a message that waits for an id is not that of a client who was made with it later', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    await store.saveChatMessage(of(51, 'for anna'))
    await database.query(`INSERT INTO "Client" ("id", "username", "createdAt", "updatedAt")
      VALUES (51, 'bert', now() AT TIME ZONE 'UTC' + interval '1 hour', now())`)
    await store.saveChatMessage(of(51, 'of bert'))
    await store.saveChatMessage(of(52, 'of carla'))
  })
  for (const flag of [['--username', 'bert'] as const, ['--client-id', '51'] as const]) {
    const exported = (await on(database, 'export', ...flag)).stdout
    expect(exported).toContain('of bert')
    expect(exported).not.toMatch(/anna|carla|wanted_clients/)
    expect((await on(database, 'erase', ...flag, '--dry-run')).stdout).toMatch(/^1 message, /m)
  }
  await withStore(database, async (store) => {
    expect(await store.eraseContact({ usernames: ['bert'] })).toMatchObject({ messages: 1, clientIds: [51] })
  })
  const left = `SELECT m."text", w."clientId"::integer FROM "ChatMessage" AS m
    JOIN "chatkeep"."wanted_clients" AS w USING ("idempotencyKey") ORDER BY m."id"`
  expect(await database.query(left)).toEqual([
    { text: 'for anna', clientId: 51 },
    { text: 'of carla', clientId: 52 },
  ])
  // Nobody has the id any more: whoever names it means whom the messages name.
  const done = await on(database, 'erase', '--client-id', '51', '--confirm', database.name)
  expect([done.exitCode, done.stdout], done.stderr).toEqual([0, expect.stringContaining('ok: 1 message deleted')])
  expect(await database.query(left)).toEqual([{ text: 'of carla', clientId: 52 }])
})
