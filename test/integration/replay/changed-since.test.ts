import { entryLine, headerLine } from '../../../src/journal/journal-line.js'
import { DEFAULT_MAX_MESSAGE_BYTES } from '../../../src/persistence/content/message-size.js'
import { prepareMessage } from '../../../src/persistence/prepare-message.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { transcriptLine, writeInput } from '../../support/transcript.js'

const said = ['first', 'second', 'third']

const transcript = (texts: readonly string[] = said): Promise<string> =>
  writeInput(texts.map((text, index) => `${transcriptLine({ text, at: `2026-04-01T09:00:0${index}Z` })}\n`).join(''))

const journal = (): Promise<string> =>
  writeInput(
    Buffer.concat([
      headerLine('0a1b'),
      ...said.map((text, index) => {
        const key = `messages of a journal ${index}`
        const message = prepareMessage(
          {
            guestUsername: 'maria',
            senderType: 'CLIENT',
            messageType: 'TEXT',
            text,
            idempotencyKey: key,
          },
          DEFAULT_MAX_MESSAGE_BYTES,
        )
        return entryLine({
          ...{ seq: index + 1, messageId: key, contactKnown: true, attempted: false, size: null, operatorName: null },
          senderSocketId: 's',
          message: { ...message, sessionId: 'c1', createdAt: new Date(Date.UTC(2026, 3, 1) + index) },
        })
      }),
    ]),
  )

/** Edits the first message, and deletes the second. */
const change = async (database: TestDatabase): Promise<void> => {
  const rows = await database.query<{ id: number }>('SELECT "id" FROM "ChatMessage" ORDER BY "createdAt"')
  const [edited = -1, deleted = -1] = rows.map(({ id }) => id)
  await withStore(database, async (store) => {
    await store.editMessage({ id: edited, text: 'corrected' })
    await store.deleteMessage({ id: deleted })
  })
}

describe('what the application changed after it was stored', () => {
  test.for([
    ['a transcript', transcript],
    ['a journal', journal],
  ] as const)('is counted, and is no finding: %s', async ([, write], { database }) => {
    await migrated(database)
    const file = await write()
    await on(database, 'replay', file)
    await change(database)
    const compared = await on(database, 'replay', file, '--check-only')
    expect(compared.stdout).toMatch(/found +2\nedited since +1\ndeleted since +1\n/)
    expect(compared.exitCode).toBe(0)
    const again = await on(database, 'replay', file, '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({
      saved: 0,
      duplicates: 3,
      lost: 0,
      altered: 0,
      edited: 1,
      deleted: 1,
    })
    expect(again.exitCode).toBe(0)
  })

  test('does not hide what was lost or altered by others', async ({ database }) => {
    await migrated(database)
    const file = await transcript()
    await on(database, 'replay', file)
    await change(database)
    await database.load(
      `UPDATE "ChatMessage" SET "sessionId" = 'x' WHERE "text" = 'corrected'; DELETE FROM "ChatMessage" WHERE "text" = 'third'`,
    )
    const { stdout, exitCode } = await on(database, 'replay', file, '--check-only', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ found: 1, lostLines: [3], deleted: 1, altered: 1 })
    expect(exitCode).toBe(1)
  })

  test('is a loss where nobody noted it', async ({ database }) => {
    await migrated(database)
    const file = await transcript()
    await on(database, 'replay', file)
    await change(database)
    await database.load('DROP TABLE chatkeep.changed_messages')
    const { stdout, exitCode } = await on(database, 'replay', file, '--check-only', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ found: 2, lost: 1, altered: 1, edited: 0, deleted: 0 })
    expect(exitCode).toBe(1)
  })
})

test('a message under a former name has the right client', async ({ database }) => {
  await migrated(database)
  await on(database, 'replay', await transcript())
  await withStore(database, async (store) => {
    const { messages } = await store.getChatHistory({ guestUsername: 'maria' })
    await store.renameClient({ clientId: messages[0]?.clientId ?? -1, username: 'Maria Lopez' })
  })
  const { stdout, exitCode } = await on(database, 'replay', await transcript(['fourth', 'fifth']))
  expect(stdout).toContain('ok: 2 messages attempted, 2 saved')
  expect(exitCode).toBe(0)
})
