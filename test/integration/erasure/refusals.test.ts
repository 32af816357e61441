import { httpStatusOf, type ChatStore } from '../../../src/index.js'
import { on, withStore } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { loadPeople, peopleLeft as left } from '../../support/erasure-people.js'

type Given = Parameters<ChatStore['eraseContact']>[0]

/** What no type allows, as an untyped caller passes it. */
const wrong = (value: unknown): Given => value as Given

const exported = async (store: ChatStore, person: Given): Promise<void> => {
  for await (const record of store.exportContact(person)) expect(record).toBeDefined()
}

describe('calls that name a person', () => {
  test.for([
    [{ usernames: ['ada'], phone: '+1' }, 'invalid_option', 'unknown option "phone"; did you mean phones?'],
    [{ clientId: 5 }, 'invalid_option', 'unknown option "clientId"; did you mean clientIds?'],
    [{ usernames: 'ada' }, 'invalid_option', 'usernames is a string, but must be a list'],
    [{ clientIds: null }, 'invalid_option', 'clientIds is null, but must be a list'],
    [{ clientIds: [Object.create(null)] }, 'invalid_contact', 'one of clientIds is an object, but must be a whole'],
    [5, 'invalid_option', 'the person is 5, but must be an object'],
    [undefined, 'invalid_contact', 'name a person by clientIds, usernames or phones'],
  ] as const)('refuse %j', async ([given, code, text], { database }) => {
    await loadPeople(database)
    const refused = { name: 'InvalidCall', code, message: expect.stringContaining(text) as string }
    await withStore(database, async (store) => {
      await expect(store.eraseContact(wrong(given))).rejects.toMatchObject(refused)
      await expect(exported(store, wrong(given))).rejects.toMatchObject(refused)
    })
    expect(await left(database)).toMatchObject({ messages: 606 })
  })

  test('deleteMessagesBefore refuses what is no instant', async ({ database }) => {
    await loadPeople(database)
    await withStore(database, async (store) => {
      for (const before of [undefined, null, '2026-01-01', 0, new Date(NaN)])
        await expect(store.deleteMessagesBefore(before as Date)).rejects.toMatchObject({
          code: 'invalid_option',
          message: expect.stringMatching(/^before is .*must be a valid Date$/) as string,
        })
    })
  })

  test('wait for onProgress, and reject as it does', async ({ database }) => {
    await loadPeople(database)
    await withStore(database, async (store) => {
      const batchSize = 10
      const failing = { batchSize, onProgress: () => Promise.reject(new Error('mine')) }
      await expect(store.deleteMessagesBefore(new Date(), failing)).rejects.toThrow('mine')
      await expect(store.eraseContact({ usernames: ['ada'] }, failing)).rejects.toThrow('mine')
      expect(await left(database)).toMatchObject({ messages: 586 })
    })
  })
})

describe('rows that refer to what is deleted or merged', () => {
  test('a message that is referred to is not deleted, and the table is named', async ({ database }) => {
    await loadPeople(database)
    await database.load(`
      CREATE TABLE "Ticket" ("message" integer REFERENCES "ChatMessage" ("id")); INSERT INTO "Ticket" VALUES (1)`)
    await withStore(database, async (store) => {
      const wanted = {
        code: 'messages_are_referenced',
        message: expect.stringContaining('rows of "public"."Ticket" refer to') as string,
        hint: expect.stringContaining('delete those rows first') as string,
      }
      const failed: unknown = await store.deleteMessage({ id: 1 }).catch((error: unknown) => error)
      expect(failed).toMatchObject(wanted)
      expect(httpStatusOf(failed)).toBe(409)
      await expect(store.deleteMessagesBefore(new Date())).rejects.toMatchObject(wanted)
    })
  })

  test('a merge that cannot move a unique row is refused with what to do', async ({ database }) => {
    await loadPeople(database)
    await database.load(`
      CREATE TABLE "Loyalty" ("clientId" integer UNIQUE REFERENCES "Client" ("id")); INSERT INTO "Loyalty" VALUES (1), (3)`)
    await withStore(database, async (store) => {
      await expect(store.mergeClients({ from: 1, into: 3, references: 'move' })).rejects.toMatchObject({
        code: 'merge_refused',
        message: expect.stringContaining('"Loyalty"."clientId" cannot be moved') as string,
        details: [expect.stringContaining('Loyalty_clientId_key')],
        hint: expect.stringContaining("or pass references: 'keep'") as string,
      })
      expect(await store.mergeClients({ from: 1, into: 3, references: 'keep' })).toMatchObject({ messages: 301 })
    })
  })

  test('a dry run says that a merged client is part of the person', async ({ database }) => {
    await loadPeople(database)
    await withStore(database, (store) => store.mergeClients({ from: 2, into: 1 }))
    const { stdout } = await on(database, 'erase', '--client-id', '2', '--dry-run')
    expect(stdout).toContain('note: client 1 was merged with one that you named: they are one person, with one chat')
    expect(stdout).not.toContain('note: client 2')
  })
})
