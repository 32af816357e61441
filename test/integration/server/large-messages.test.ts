import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { startChatServer } from '../../../src/server/chat-server.js'
import { createRecorder } from '../../../src/transcripts/recorder.js'
import { on } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { withProxy } from '../../support/cuttable-proxy.js'
import { afterEach, beforeEach, expect, test, withDatabase } from '../../support/database.js'
import { expectOk, imageOf, withChat, withoutMessages } from '../../support/socket-chat.js'
import { untilRows } from '../../support/until.js'

const LIMIT = 5_000_000

/** A photo of 2.5 MB as a data URL. */
const PHOTO = imageOf(3_400_000)
const photo = (messageId: string) => ({ type: 'image', image: PHOTO, name: 'x.png', messageId })

const NOWHERE = 'postgres://127.0.0.1:1/crm'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-large-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a photo goes the whole way: guest, database, other server, history, journal, recording, replay', async ({
  database,
}) => {
  await withoutMessages(database)
  const adapter = { target: toConnectionTarget(parseDatabaseUrl(database.url, 'the test')) }
  const record = join(folder, 'recording')
  const recorder = await createRecorder({ path: record, onStopped: (text) => expect.fail(text) })
  const journal = { path: join(folder, 'journal') }
  await withProxy(database.url, async (proxy) => {
    const limited = { deadlineMs: 1_000, maxMessageBytes: LIMIT }
    const store = createChatStore({ databaseUrl: proxy.url }, limited)
    const other = createChatStore({ databaseUrl: database.url }, limited)
    await withChat(database, { adapter, store, journal, recorder }, (a) =>
      withChat(database, { adapter, store: other }, async (b) => {
        const lucia = await b.operator('Lucía', 1)
        const ana = await a.guest('ana')
        expectOk(await ana.ask('clientMessage', photo('one')))
        expect(await lucia.next('incomingMessage')).toMatchObject({ image: PHOTO })
        expectOk(await lucia.ask('operatorMessage', { ...photo('two'), to: ana.clientId }))
        expect(await ana.next('operatorMessage')).toMatchObject({ image: PHOTO })

        proxy.pointAt(NOWHERE)
        proxy.cut()
        expect(await ana.ask('clientMessage', photo('three'))).toMatchObject({ ok: true, queued: true })
        proxy.pointAt(database.url)
        expect(await lucia.next('incomingMessage', 2)).toMatchObject({ image: PHOTO })

        const newest = expectOk(await ana.ask('history', {}))
        expect(newest.messages).toMatchObject([{ imageUrl: PHOTO }])
        const rest = expectOk(await ana.ask('history', { before: newest.nextBefore }))
        expect(rest.messages).toMatchObject([{ imageUrl: PHOTO }])
        expect(expectOk(await lucia.ask('recentChats', {})).chats).toMatchObject([{ username: 'ana' }])

        const { error } = await ana.ask('clientMessage', { type: 'image', image: imageOf(LIMIT + 1) })
        expect(error).toMatchObject({
          code: 'invalid_message',
          message: 'the message cannot be stored: image is larger than 5000000 bytes (maxMessageBytes): it has 5000001',
        })
      }),
    )
  })
  await recorder.close()
  // A server records what it commits itself.
  const recorded = `SELECT md5("imageUrl") FROM "ChatMessage" WHERE "senderType" = 'CLIENT'`
  const rows = await database.query(recorded)
  expect(rows).toHaveLength(2)
  for (const through of ['store', 'socket']) {
    await withDatabase(async (copy) => {
      await withoutMessages(copy)
      const { exitCode, stdout } = await on(copy, 'replay', record, '--through', through)
      expect(stdout).toContain('2 messages attempted, 2 saved')
      expect(exitCode).toBe(0)
      expect(await copy.query(recorded)).toEqual(rows)
    })
  }
})

test('what a journal has from a time with a larger limit is stored', async ({ database }) => {
  await withoutMessages(database)
  const journal = join(folder, 'journal')
  await withProxy(NOWHERE, async (proxy) => {
    const store = createChatStore({ databaseUrl: proxy.url }, { deadlineMs: 500, maxMessageBytes: LIMIT })
    await withChat(database, { store, journal: { path: journal } }, async ({ guest }) => {
      const ana = await guest('ana')
      expect(await ana.ask('clientMessage', photo('one'))).toMatchObject({ queued: true })
    })
  })
  const stopping = new AbortController()
  const serving = runChatkeep(['serve', '--port', '0', '--journal', journal], {
    env: { DATABASE_URL: database.url },
    signal: stopping.signal,
  })
  try {
    await untilRows(database, 'SELECT FROM "ChatMessage"', { what: 'the photo is stored' })
  } finally {
    stopping.abort(new Error('SIGTERM'))
    await serving
  }
})

test.for([1_023, 33_554_433, 1.5, '5MB'])('%s is no limit of a message', (maxMessageBytes) => {
  expect(() => createChatStore({ databaseUrl: NOWHERE }, { maxMessageBytes: maxMessageBytes as number })).toThrow(
    /maxMessageBytes is .*, but must be a whole number from 1024 to 33554432/,
  )
})

test("a server's limit is the store's unless a smaller one is given", async ({ database }) => {
  await withoutMessages(database)
  const store = createChatStore({ databaseUrl: database.url })
  await expect(startChatServer({ store, port: 0, maxMessageBytes: LIMIT })).rejects.toMatchObject({
    code: 'invalid_option',
    message: 'maxMessageBytes is 5000000, but that of the store is 1048576',
    hint: 'give createChatStore the same maxMessageBytes',
  })
  await withChat(database, { store, maxMessageBytes: 2_000 }, async ({ guest }) => {
    const ana = await guest('ana')
    const { error } = await ana.ask('clientMessage', { message: 'x'.repeat(2_001) })
    expect(error?.message).toBe(
      'the message cannot be stored: message is larger than 2000 bytes (maxMessageBytes): it has 2001',
    )
    expectOk(await ana.ask('clientMessage', { message: 'x'.repeat(2_000) }))
  })
})

test('the bytes of a text are those that are stored, and an edit has the same limit', async ({ database }) => {
  await withoutMessages(database)
  const store = createChatStore({ databaseUrl: database.url }, { maxMessageBytes: 3_000 })
  const message = { senderType: 'CLIENT', messageType: 'TEXT', guestUsername: 'ana' } as const
  try {
    const { id } = await store.saveChatMessage({ ...message, text: 'ñ'.repeat(1_500) })
    // NUL becomes U+FFFD, of three bytes.
    await expect(store.saveChatMessage({ ...message, text: '\0'.repeat(1_001) })).rejects.toMatchObject({
      code: 'invalid_message',
      message: 'the message cannot be stored: text is larger than 3000 bytes (maxMessageBytes): it has 3003',
    })
    await expect(store.editMessage({ id, text: 'x'.repeat(3_001) })).rejects.toMatchObject({ code: 'invalid_message' })
    expect(await store.editMessage({ id, text: 'x'.repeat(3_000) })).toMatchObject({ id })
  } finally {
    await store.close()
  }
})
