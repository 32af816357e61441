import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRecorder } from '../../../src/transcripts/recorder.js'
import { createChatStore } from '../../../src/persistence/chat-store.js'
import type { ChatServerOptions } from '../../../src/server/chat-server.js'
import { withProxy, type CuttableProxy, type Tap } from '../../support/cuttable-proxy.js'
import { afterEach, beforeEach, expect, test, type TestDatabase } from '../../support/database.js'
import { expectOk, withChat, withoutMessages, type TestChat } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

const NOWHERE = 'postgres://127.0.0.1:1/crm'
const text = (message: string) => ({ type: 'text', message, messageId: message })
const QUEUED = { ok: true, queued: true }

/** In the text of a message whose save is committed without an answer, as long as the answers are cut. */
const CUT = 'without an answer'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-outcomes-'))
})
afterEach(() => rm(folder, { recursive: true }))

interface Cutting extends TestChat {
  readonly proxy: CuttableProxy
  readonly cutAnswers: (isCutting: boolean) => void
}

/** A chat whose store makes one attempt for a save, and whose answer from the database can be cut. */
const withCutAnswers = async (
  database: TestDatabase,
  options: Partial<ChatServerOptions>,
  work: (chat: Cutting) => Promise<void>,
): Promise<void> => {
  let isCutting = false
  const makeTap = (): Tap => {
    let isCut = false
    return {
      fromClient: (bytes) => {
        isCut = isCutting && bytes.includes(CUT)
        return 'pass'
      },
      // The server commits before it answers.
      fromServer: () => (isCut ? 'drop, and cut' : 'pass'),
    }
  }
  await withoutMessages(database)
  await withProxy(
    database.url,
    async (proxy) => {
      const store = createChatStore({ databaseUrl: proxy.url }, { deadlineMs: 0 })
      await withChat(database, { store, ...options }, (chat) =>
        work({ ...chat, proxy, cutAnswers: (cutting) => (isCutting = cutting) }),
      )
    },
    makeTap,
  )
}

const texts = (payloads: readonly unknown[]): readonly unknown[] =>
  payloads.map((payload) => (payload as { readonly message: unknown }).message)

const untilStored = (database: TestDatabase, message: string): Promise<unknown> =>
  until(async () => (await database.query('SELECT FROM "ChatMessage" WHERE "text" = $1', [message])).length === 1, {
    what: `${message} is stored`,
  })

const untilLogged = (log: readonly string[], event: string): Promise<unknown> =>
  until(() => log.some((line) => line.includes(`"event":"${event}"`)), { what: event })

test('what a drain stored without an answer is announced once, and counts as stored', async ({ database }) => {
  await withCutAnswers(database, { journal: { path: join(folder, 'chat.journal') } }, async (chat) => {
    const { proxy, cutAnswers, log } = chat
    const lucia = await chat.operator('Lucía', 1)
    const pablo = await chat.operator('Pablo', 2)
    const [ana, ben] = [await chat.guest('ana'), await chat.guest('ben')]
    for (const guest of [ana, ben]) expectOk(await guest.ask('clientMessage', text('before')))
    proxy.pointAt(NOWHERE)
    proxy.cut()
    // The first is tried before it is queued; only those behind it are new to the drain.
    const own = `mine, ${CUT}`
    for (const message of ['first', own, 'last'])
      expect(await ana.ask('clientMessage', text(message))).toMatchObject(QUEUED)
    const answer = `yours, ${CUT}`
    expect(await lucia.ask('operatorMessage', { to: ben.clientId, ...text(answer) })).toMatchObject(QUEUED)
    cutAnswers(true)
    proxy.pointAt(database.url)
    for (const message of [own, answer]) await untilStored(database, message)
    await untilLogged(log, 'journal_not_drained')
    cutAnswers(false)
    await untilLogged(log, 'journal_drained')

    expect(texts(lucia.all('incomingMessage'))).toEqual(['before', 'before', 'first', own, 'last'])
    expect(texts(pablo.all('operatorBroadcast'))).toEqual([answer])
    await ben.next('operatorMessage')
    expect(texts(ben.all('operatorMessage'))).toEqual([answer])
    expect(log.at(-1)).toContain('"stored":4,"duplicates":0')
  })
})

test('what was refused without a journal, and yet stored, is announced and recorded when it is sent again', async ({
  database,
}) => {
  const path = join(folder, 'chat.jsonl')
  const recorder = await createRecorder({ path, onStopped: (reason) => expect.fail(reason) })
  await withCutAnswers(database, { recorder }, async ({ guest, operator, cutAnswers }) => {
    const lucia = await operator('Lucía', 1)
    const pablo = await operator('Pablo', 2)
    const ana = await guest('ana')
    expectOk(await ana.ask('clientMessage', text('before')))
    const [own, answer] = [`mine, ${CUT}`, `yours, ${CUT}`]
    const send = [
      () => ana.ask('clientMessage', text(own)),
      () => lucia.ask('operatorMessage', { to: ana.clientId, ...text(answer) }),
    ]
    cutAnswers(true)
    for (const ask of send) expect(await ask()).toMatchObject({ error: { code: 'database_unavailable' } })
    for (const message of [own, answer]) await untilStored(database, message)
    cutAnswers(false)
    for (const ask of send) expect(await ask()).toMatchObject({ ok: true, duplicate: false })
    for (const ask of send) expect(await ask()).toMatchObject({ ok: true, duplicate: true })
    // What is announced before the acknowledgement of this is here.
    expectOk(await ana.ask('clientMessage', text('last')))
    await lucia.next('incomingMessage', 3)
    expect(texts(lucia.all('incomingMessage'))).toEqual(['before', own, 'last'])
    await pablo.next('operatorBroadcast')
    expect(texts(pablo.all('operatorBroadcast'))).toEqual([answer])
    await ana.next('operatorMessage')
    expect(texts(ana.all('operatorMessage'))).toEqual([answer])
  })
  await recorder.close()
  const recorded = (await readFile(path, 'utf8')).trimEnd().split('\n').slice(1, -1)
  expect(recorded.map((line) => (JSON.parse(line) as { text: string }).text)).toEqual([
    'before',
    `mine, ${CUT}`,
    `yours, ${CUT}`,
    'last',
  ])
})
