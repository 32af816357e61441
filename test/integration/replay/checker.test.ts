import { createChatClient, type ChatClient, type KeptMessage } from '../../../src/index.js'
import { checkRun, type CheckedRun } from '../../support/check-run.js'
import type { CheckOptions } from '../../../src/replay/checking/check-operations.js'
import type { SentOperation } from '../../../src/replay/checking/sent-operation.js'
import { contentOfGuestMessage, contentOfOperatorMessage } from '../../../src/replay/checking/expected-content.js'
import type { ShownMessage } from '../../../src/replay/checking/judge-shown.js'
import { createReadBack } from '../../../src/replay/checking/read-back.js'
import { describe, expect } from '../../support/database.js'
import { rowIdsOf } from '../../support/row-ids.js'
import { SECRET, test, type TestChat } from '../../support/socket-chat.js'
import { until } from '../../support/until.js'

interface Played {
  readonly operations: readonly SentOperation[]
  readonly shown: readonly ShownMessage[]
}

const rowIdWith = rowIdsOf(SECRET)

const rowIdOf = ({ id }: KeptMessage): number | null => (id === null ? null : rowIdWith(id))

const IMAGE = { image: 'data:image/png;base64,AA==', name: 'a\0.png', mimeType: 'image/png' }

/** Two guests write and an operator answers; another operator looks on. */
const play = async ({ server }: TestChat): Promise<Played> => {
  const clients: ChatClient[] = []
  const join = (who: Parameters<typeof createChatClient>[0]['join']): ChatClient => {
    const client = createChatClient({ url: server.url, join: who })
    clients.push(client)
    return client
  }
  const operations: SentOperation[] = []
  const shown: ShownMessage[] = []
  const onlooker = join({ role: 'operator', name: 'Ada', token: SECRET })
  await onlooker.join()
  onlooker.on('incomingMessage', (payload) => shown.push(toShown(payload, 'from')))
  onlooker.on('operatorBroadcast', (payload) => shown.push(toShown(payload, 'clientId')))
  const operator = join({ role: 'operator', name: 'Bea', token: SECRET })
  try {
    for (const username of ['maria', 'Ole']) {
      const guest = join({ role: 'client', username })
      await guest.join()
      const conversation = { conversation: guest.clientId ?? '', username }
      for (const said of [{ message: 'one \0 \ud800 🚲' }, IMAGE, { message: 'three' }]) {
        const kept = await guest.send(said)
        const content = contentOfGuestMessage(conversation, { ...said, messageId: kept.messageId })
        operations.push({ line: operations.length + 1, outcome: 'ok', content, acknowledgedId: rowIdOf(kept) })
      }
      const kept = await operator.send({ to: guest.clientId, message: 'hello' })
      const content = contentOfOperatorMessage({ operatorId: null, name: 'Bea' }, conversation, {
        message: 'hello',
        messageId: kept.messageId,
      })
      operations.push({
        line: operations.length + 1,
        outcome: 'ok',
        content,
        acknowledgedId: rowIdOf(kept),
        sender: 'Bea',
      })
    }
    await until(() => shown.length === operations.length, { what: 'the onlooker is shown every message' })
    return { operations, shown }
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

const toShown = (payload: unknown, conversation: string): ShownMessage => {
  const said = payload as Readonly<Record<string, unknown>>
  return {
    id: Number(said.id),
    conversation: String(said[conversation]),
    text: (said.message ?? null) as string | null,
    imageUrl: (said.image ?? null) as string | null,
  }
}

type Lie = (options: CheckOptions, ids: readonly number[]) => Partial<Parameters<typeof checkRun>[0]> | string

/** What is done to an honest run, and what the checker must say. */
const LIES: readonly (readonly [string, Lie, CheckedRun['verdict'], readonly string[]])[] = [
  ['nothing', () => ({}), 'passed', []],
  [
    'a row deleted',
    (_, [, id]) => `DELETE FROM "ChatMessage" WHERE "id" = ${id}`,
    'failed',
    ['1 lost', '1 shown and not stored'],
  ],
  [
    'a row doubled under its key',
    (_, [id]) => `DROP INDEX "ChatMessage_idempotencyKey_key"; ${copyOf(id, `"idempotencyKey"`)}`,
    'failed',
    ['1 doubled', '1 stored and not reachable'],
  ],
  ['a row doubled under another key', (_, [id]) => copyOf(id, `'another'`), 'failed', ['1 doubled']],
  [
    'one byte of a text altered',
    (_, [id]) => `UPDATE "ChatMessage" SET "text" = overlay("text" placing 'O' from 1) WHERE "id" = ${id}`,
    'failed',
    ['1 altered', '1 shown and not stored'],
  ],
  [
    'one byte of an image altered',
    (_, [, id]) => `UPDATE "ChatMessage" SET "imageUrl" = replace("imageUrl", 'AA', 'AB') WHERE "id" = ${id}`,
    'failed',
    ['1 altered', '1 shown and not stored'],
  ],
  [
    'a name of an image altered',
    (_, [, id]) => `UPDATE "ChatMessage" SET "imageName" = 'b.png' WHERE "id" = ${id}`,
    'failed',
    ['1 altered'],
  ],
  [
    'a row moved to another client',
    (_, [id]) =>
      `UPDATE "ChatMessage" SET "clientId" = (SELECT "id" FROM "Client" WHERE "username" = 'Ole') WHERE "id" = ${id}`,
    'failed',
    ['1 altered'],
  ],
  [
    'a second client of a name',
    () => `DROP INDEX "Client_username_key"; INSERT INTO "Client" ("username", "updatedAt") VALUES ('maria', now())`,
    'failed',
    ['1 names of several clients'],
  ],
  [
    'a row that nobody sent',
    () =>
      `INSERT INTO "ChatMessage" ("sessionId", "senderType", "messageType", "text") SELECT "sessionId", 'CLIENT', 'TEXT', 'boo' FROM "ChatMessage" LIMIT 1`,
    'failed',
    ['1 unexpected'],
  ],
  [
    'two rows swapped',
    (_, [first, , third]) =>
      `UPDATE "ChatMessage" SET "id" = -1 WHERE "id" = ${first};
       UPDATE "ChatMessage" SET "id" = ${first} WHERE "id" = ${third};
       UPDATE "ChatMessage" SET "id" = ${third} WHERE "id" = -1`,
    'failed',
    ['2 altered', '2 shown and not stored'],
  ],
  [
    'a row dated before the others',
    (_, [, , third]) => `UPDATE "ChatMessage" SET "createdAt" = "createdAt" - interval '1 hour' WHERE "id" = ${third}`,
    'failed',
    ['1 out of order'],
  ],
  [
    'a row that nobody sent, in the negative half',
    () =>
      `INSERT INTO "ChatMessage" ("id", "sessionId", "senderType", "messageType", "text") SELECT -5, "sessionId", 'CLIENT', 'TEXT', 'boo' FROM "ChatMessage" LIMIT 1`,
    'failed',
    ['1 unexpected'],
  ],
  [
    'acknowledged without saving',
    ({ operations }) => ({
      operations: (operations as readonly SentOperation[]).map((one) => ({
        ...one,
        content: { ...one.content, idempotencyKey: `${one.content.idempotencyKey}${one.line === 3 ? '?' : ''}` },
      })),
    }),
    'failed',
    ['1 lost', '1 unexpected'],
  ],
  [
    'shown without a row',
    ({ shown }) => ({ shown: [...(shown as readonly ShownMessage[]), { id: 900_000 }] }),
    'failed',
    ['1 shown and not stored'],
  ],
  ['not in the history', (_, ids) => ({ reachable: [ids.slice(1)] }), 'failed', ['1 stored and not reachable']],
  [
    'a fault that never fired',
    () => ({ faults: [{ fault: 'kill -9', times: 0 }] }),
    'unknown',
    ['the fault "kill -9" never fired'],
  ],
  [
    'no operation at all',
    () => ({ operations: [] }),
    'unknown',
    ['no message was acknowledged', 'nothing was read back'],
  ],
]

const copyOf = (id: number | undefined, key: string): string =>
  `INSERT INTO "ChatMessage" ("sessionId", "senderType", "messageType", "text", "guestUsername", "clientId", "idempotencyKey")
   SELECT "sessionId", "senderType", "messageType", "text", "guestUsername", "clientId", ${key} FROM "ChatMessage" WHERE "id" = ${id}`

describe('what the checker says when it is lied to', () => {
  test('names every lie, and says nothing of an honest run', async ({ chat }) => {
    const { database } = chat
    const client = await database.client()
    const readBack = createReadBack(client, 'public')
    const earlier = await readBack.earlierIds()
    const { operations, shown } = await play(chat)
    const ids = operations.map(({ acknowledgedId }) => acknowledgedId ?? 0)
    const honest = { operations, shown, reachable: [ids], readBack, earlier }
    const said: unknown[] = []
    for (const [name, lie] of LIES) {
      const told = lie(honest, ids)
      // Each lie is told in a transaction that the checker reads in, and that nobody else sees.
      await client.query('BEGIN')
      if (typeof told === 'string') await client.query(told)
      const { verdict, reasons } = await checkRun(typeof told === 'string' ? honest : { ...honest, ...told })
      await client.query('ROLLBACK')
      said.push([name, verdict, reasons])
    }
    expect(said).toEqual(LIES.map(([name, , verdict, reasons]) => [name, verdict, reasons]))
  })

  test('calls a run unknown when the database cannot be read', async ({ chat }) => {
    const { operations } = await play(chat)
    const client = await chat.database.client()
    const readBack = createReadBack(client, 'public')
    await client.end()
    expect(await checkRun({ operations, readBack, earlier: [] })).toMatchObject({
      verdict: 'unknown',
      check: undefined,
    })
  })
})
