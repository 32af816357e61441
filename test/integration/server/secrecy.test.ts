import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import { createChatLog } from '../../../src/server/log.js'
import { expect, test } from '../../support/database.js'
import { connectTo, expectOk, withChat, withoutMessages, type Ack } from '../../support/socket-chat.js'

/** What neither the log nor an error may repeat. */
const PRIVATE = {
  text: 'texthushtext',
  username: 'namehushname',
  phone: 'phonehushphone',
  image: 'data:image/png;base64,imagehushimage',
  imageName: 'filehushfile',
  operatorSecret: 'secrethushsecret',
  wrongSecret: 'wronghushwrong',
  badToken: 'tokenhushtoken',
} as const

const REFUSING = `
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW."text" LIKE '%raise%' THEN
      RAISE EXCEPTION 'refused %', NEW."text" USING DETAIL = NEW."guestUsername", HINT = NEW."guestPhone";
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER refuse BEFORE INSERT ON "ChatMessage" FOR EACH ROW EXECUTE FUNCTION refuse();
  ALTER TABLE "ChatMessage" ADD CONSTRAINT "polite" CHECK ("text" NOT LIKE '%check%')`

test('neither the log at its most talkative nor an error that a client gets repeats what is private', async ({
  database,
}) => {
  await withoutMessages(database)
  await database.query(REFUSING)
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-secrecy-'))
  const lines: string[] = []
  const log = createChatLog({ level: 'debug', format: 'json', output: { write: (line) => lines.push(line) } })
  const stored = createChatStore({ databaseUrl: database.url }, { deadlineMs: 1_000 })
  const store: typeof stored = {
    ...stored,
    saveChatMessage: (message) => {
      if (message.text?.includes('bug') === true) throw new SyntaxError(`cannot read ${message.text}`)
      return stored.saveChatMessage(message)
    },
  }
  const journal = { path: join(folder, 'chat.journal'), maxBytes: 4_000 }
  const { text, username, phone, image, imageName, operatorSecret, wrongSecret, badToken } = PRIVATE
  const tokens: string[] = []
  const refusals: Ack[] = []
  await withChat(database, { store, log, operatorSecret, journal }, async (chat) => {
    const { ask, token, clientId } = await chat.guest(username, { phone })
    tokens.push(token)
    const operator = await chat.connect()
    expectOk(await operator.ask('join', { role: 'operator', name: username, token: operatorSecret }))
    const send = (message: string) => ask('clientMessage', { type: 'text', message, messageId: String(message.length) })
    expectOk(await send(text))
    expectOk(await ask('clientMessage', { type: 'image', image, name: imageName }))
    expectOk(await operator.ask('operatorMessage', { to: clientId, type: 'text', message: text }))
    expectOk(await ask('history'))
    expectOk(await operator.ask('recentChats'))

    const asStranger = async (fields: object): Promise<Ack> => (await chat.connect()).ask('join', fields)
    refusals.push(
      await ask('clientMessage', { type: 'text', message: `another ${text}`, messageId: String(text.length) }),
      await ask('clientMessage', { type: text, message: 7, image, name: { [imageName]: 1 } }),
      await ask('history', { before: 'yesterday' }),
      await ask(text, { text }),
      await operator.ask('operatorMessage', { to: 'nobody', type: 'text', message: text }),
      await operator.ask('history', { username: `no ${username}`, clientId: text }),
      await asStranger({ role: 'operator', name: username, token: wrongSecret }),
      await asStranger({ role: 'client', username, token: badToken }),
      await asStranger({ role: username, username, token: badToken }),
      await send(`${text} raise`),
      await send(`${text} check`),
      await send(`${text} bug`),
    )
    const origin = `https://${'x'.repeat(3_000)}.example`
    await expect(connectTo(chat.server.port, 'websocket', { origin })).rejects.toThrow()

    // Now the journal takes what comes, until it is full.
    await database.query('ALTER TABLE "ChatMessage" RENAME COLUMN "guestUsername" TO "gone"')
    const late = Array.from({ length: 10 }, (_, number) => send(`${text} ${'y'.repeat(800 + number)}`))
    refusals.push(...(await Promise.all(late)).filter(({ ok }) => !ok))
    await database.query('ALTER TABLE "ChatMessage" RENAME COLUMN "gone" TO "guestUsername"')
  })
  await stored.close()
  await rm(folder, { recursive: true })

  const events = new Set(lines.map((line) => (JSON.parse(line) as { event: string }).event))
  expect([...events]).toEqual(
    expect.arrayContaining(['connected', 'request_failed', 'operator_refused', 'origin_refused', 'journal_full']),
  )
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(3_000)
  expect(new Set(refusals.map(({ ok, error }) => (ok ? 'ok' : error?.code)))).toEqual(
    new Set([
      ...['idempotency_conflict', 'invalid_payload', 'invalid_cursor', 'unknown_event', 'unknown_conversation'],
      ...['invalid_contact', 'unauthorized', 'invalid_token', 'database_refused', 'internal', 'database_unavailable'],
    ]),
  )
  const told = [...lines, ...refusals.map((refusal) => JSON.stringify(refusal))]
  for (const secret of [...Object.values(PRIVATE), ...tokens]) {
    expect(told.filter((line) => line.includes(secret))).toEqual([])
  }
})
