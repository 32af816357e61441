import { expect } from 'vitest'
import { on } from '../../support/chat.js'
import { expectOk, test, type TestChat } from '../../support/socket-chat.js'

/** Guests who write until they are told to stop. @returns how many messages each was told are stored */
const whileTheyWrite = async (
  { guest }: TestChat,
  names: readonly string[],
  work: () => Promise<void>,
): Promise<Readonly<Record<string, number>>> => {
  const end = new AbortController()
  const writing = names.map(async (name) => {
    const { ask } = await guest(name)
    let stored = 0
    while (!end.signal.aborted) {
      expectOk(await ask('clientMessage', { type: 'text', message: `${stored} of ${name}` }))
      stored += 1
    }
    return [name, stored] as const
  })
  try {
    await work()
  } finally {
    end.abort()
  }
  return Object.fromEntries(await Promise.all(writing))
}

const OLD = `
  INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text", "createdAt")
  SELECT (SELECT min("id") FROM "Client"), 'CLIENT', 'TEXT', 'old', timestamp '2025-01-01' + n * interval '1 minute'
  FROM generate_series(1, 5000) AS n`

test('retain beside a running server deletes what is old, and nothing that it takes meanwhile', async ({ chat }) => {
  const { database } = chat
  await database.load(OLD)
  const names = ['ana', 'zoe', 'bruno']
  const stored = await whileTheyWrite(chat, names, async () => {
    const argv = ['retain', '--older-than', '2026-01-01', '--confirm', database.name, '--batch-size', '200']
    const done = await on(database, ...argv)
    expect([done.exitCode, done.stdout]).toEqual([0, expect.stringContaining('ok: 5,000 messages deleted')])
  })
  for (const name of names)
    expect(await database.query(`SELECT FROM "ChatMessage" WHERE "guestUsername" = $1`, [name])).toHaveLength(
      stored[name] ?? 0,
    )
  expect(stored.ana).toBeGreaterThan(5)
})

test('erase beside a running server deletes one person, and what the others write meanwhile is stored', async ({
  chat,
}) => {
  const { database } = chat
  await database.load(OLD)
  const [{ username } = { username: '' }] = await database.query<{ username: string }>(
    'SELECT "username" FROM "Client" ORDER BY "id" LIMIT 1',
  )
  const stored = await whileTheyWrite(chat, ['ana', 'zoe'], async () => {
    const erase = ['erase', '--username', username, '--confirm', database.name, '--batch-size', '200', '--keep-client']
    const done = await on(database, ...erase)
    expect([done.exitCode, done.stdout]).toEqual([0, expect.stringContaining('ok: 5,000 messages deleted')])
  })
  expect(await database.query('SELECT FROM "ChatMessage"')).toHaveLength((stored.ana ?? 0) + (stored.zoe ?? 0))
  // Who is erased may write again, as somebody new.
  const again = await chat.guest(username)
  expectOk(await again.ask('clientMessage', { type: 'text', message: 'hello' }))
})
