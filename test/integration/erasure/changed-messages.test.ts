import { SchemaNotReady, type ChatStore } from '../../../src/index.js'
import { migrated, on, withStore } from '../../support/chat.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { loadPartitioned } from '../../support/partitioned.js'

/** Stores a message without client, as a save does that finds the client locked. */
const unlinked = async (database: TestDatabase, key: string, guest: string | null): Promise<number> => {
  const [row] = await database.query(
    `INSERT INTO "ChatMessage" ("guestUsername", "sessionId", "senderType", "messageType", "text", "idempotencyKey")
     VALUES ($1, 's', 'CLIENT', 'TEXT', 'secret', $2) RETURNING "id"`,
    [guest, key],
  )
  return Number(row?.id)
}

const noted = async (database: TestDatabase): Promise<unknown> =>
  (await database.query('SELECT "idempotencyKey" AS key FROM chatkeep.changed_messages ORDER BY 1')).map(
    ({ key }) => key,
  )

const partitioned = async (database: TestDatabase): Promise<void> => {
  await loadPartitioned(database)
  expect((await on(database, 'migrate')).exitCode).toBe(0)
}

const erase = async (database: TestDatabase, ...whom: readonly string[]): Promise<void> => {
  const argv = ['erase', ...whom, '--confirm', database.name]
  const done = await on(database, ...argv)
  expect(done.exitCode, done.stderr).toBe(0)
  expect((await on(database, ...argv)).stdout).toContain('ok: the database holds nothing of this person')
}

const text = { senderType: 'CLIENT', messageType: 'TEXT', text: 'secret' } as const

describe.for([
  ['an ordinary table', migrated],
  ['a partitioned table', partitioned],
] as const)('erase, in %s', ([, prepare]) => {
  test('finds the deleted and edited messages of a guest without client by the name', async ({ database }) => {
    await prepare(database)
    await withStore(database, async (store) => {
      await store.deleteMessage({ id: await unlinked(database, 'maria-1', 'maria') })
      await store.editMessage({ id: await unlinked(database, 'maria-2', 'maria'), text: 'edited' })
      await store.deleteMessage({ id: await unlinked(database, 'pedro-1', 'pedro') })
      const linked = await store.saveChatMessage({ ...text, guestUsername: 'maria', idempotencyKey: 'maria-3' })
      await store.deleteMessage({ id: linked.id })
    })
    const preview = await on(database, 'erase', '--username', 'maria', '--dry-run')
    expect(preview.stdout).toContain('"chatkeep"."changed_messages": 3 rows\n')
    const exported = (await on(database, 'export', '--username', 'maria')).stdout
    expect(exported.match(/"idempotencyKey":"maria-\d"/g)).toHaveLength(3)
    expect(exported).not.toContain('pedro')
    await erase(database, '--username', 'maria')
    expect(await noted(database)).toEqual(['pedro-1'])
    // Nothing keeps the keys any more.
    await withStore(database, async (store) => {
      for (const idempotencyKey of ['maria-1', 'maria-2', 'maria-3'])
        expect(await store.saveChatMessage({ ...text, sessionId: 's', idempotencyKey })).toMatchObject({
          duplicate: false,
        })
    })
  })
})

type Change = (database: TestDatabase, store: ChatStore, clientId: number) => Promise<unknown>

describe('the note of a changed message goes with its client', () => {
  test.for<readonly [string, Change]>([
    [
      'who was made of the guest later',
      async (database, store) => {
        await store.deleteMessage({ id: await unlinked(database, 'key', 'maria') })
      },
    ],
    [
      'who was linked between an edit and the deletion',
      async (database, store, clientId) => {
        const id = await unlinked(database, 'key', null)
        await store.editMessage({ id, text: 'edited' })
        await database.query('UPDATE "ChatMessage" SET "clientId" = $1 WHERE "id" = $2', [clientId, id])
        await store.deleteMessage({ id })
      },
    ],
    [
      'who was linked after an edit',
      async (database, store, clientId) => {
        const id = await unlinked(database, 'key', null)
        await store.editMessage({ id, text: 'edited' })
        await database.query('UPDATE "ChatMessage" SET "clientId" = $1 WHERE "id" = $2', [clientId, id])
      },
    ],
    [
      'who was renamed, and wrote under the former name without client',
      async (database, store, clientId) => {
        await store.renameClient({ clientId, username: 'mary' })
        await store.deleteMessage({ id: await unlinked(database, 'key', 'maria') })
      },
    ],
    [
      'into whom the client of the message was merged',
      async (_database, store, clientId) => {
        const { id, clientId: from } = await store.saveChatMessage({
          ...text,
          guestUsername: 'lola',
          idempotencyKey: 'key',
        })
        await store.deleteMessage({ id })
        await store.mergeClients({ from: Number(from), into: clientId })
      },
    ],
    [
      'for whose id a message waited',
      async (database, store, clientId) => {
        const { id } = await store.saveChatMessage({ ...text, clientId: clientId + 1, idempotencyKey: 'key' })
        await store.deleteMessage({ id })
        expect((await on(database, 'reconcile')).exitCode).toBe(0)
        await database.query('INSERT INTO "Client" ("id", "username", "updatedAt") VALUES ($1, $2, now())', [
          clientId + 1,
          'late',
        ])
        await database.query('INSERT INTO chatkeep.guest_clients VALUES ($1)', [clientId + 1])
        await store.mergeClients({ from: clientId + 1, into: clientId })
      },
    ],
    [
      'also after a rollback',
      async (database, store) => {
        await store.deleteMessage({ id: await unlinked(database, 'key', 'maria') })
        expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
      },
    ],
    [
      'after a rollback and migrate',
      async (database, store) => {
        await store.editMessage({ id: await unlinked(database, 'key', 'maria'), text: 'edited' })
        expect((await on(database, 'rollback', '--confirm', database.name)).exitCode).toBe(0)
        expect((await on(database, 'migrate')).exitCode).toBe(0)
      },
    ],
  ])('%s', async ([, change], { database }) => {
    await migrated(database, 'crm-before')
    await withStore(database, async (store) => {
      const { clientId } = await store.saveChatMessage({ ...text, guestUsername: 'maria' })
      await change(database, store, Number(clientId))
      expect(await noted(database)).toEqual(['key'])
      await erase(database, '--client-id', String(clientId))
      expect(await noted(database)).toEqual([])
    })
  })
})

test('retain forgets what is noted of the messages that it deletes', async ({ database }) => {
  await migrated(database)
  await withStore(database, async (store) => {
    const { id } = await store.saveChatMessage({
      ...text,
      sessionId: 's',
      idempotencyKey: 'key',
      createdAt: new Date(0),
    })
    await store.editMessage({ id, text: 'edited' })
    expect(await store.deleteMessagesBefore(new Date(1))).toBe(1)
    expect(await noted(database)).toEqual([])
  })
})

test('migrate adds the column that an earlier version did not have', async ({ database }) => {
  await migrated(database)
  await database.load('ALTER TABLE chatkeep.changed_messages DROP COLUMN "guestHash"')
  const id = await unlinked(database, 'key', 'maria')
  await withStore(database, async (store) => {
    await expect(store.deleteMessage({ id })).rejects.toThrow(SchemaNotReady)
    const verify = await on(database, 'verify')
    expect([verify.exitCode, verify.stdout]).toEqual([
      1,
      expect.stringContaining('column "guestHash" of "chatkeep"."changed_messages"'),
    ])
    // An erasure does without.
    await erase(database, '--username', 'pedro')
    const migrate = await on(database, 'migrate')
    expect(migrate.exitCode, migrate.stderr).toBe(0)
    expect((await on(database, 'verify')).exitCode).toBe(0)
    await store.deleteMessage({ id })
  })
  await erase(database, '--username', 'maria')
  expect(await noted(database)).toEqual([])
})
