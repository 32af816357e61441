import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { on, withStore } from '../../support/chat.js'
import { runChatkeep } from '../../support/chatkeep.js'
import { describe, expect, test } from '../../support/database.js'
import { loadPeople, peopleLeft as left } from '../../support/erasure-people.js'

describe('erase', () => {
  test('deletes a client, all of its chat and what waits for it, and nothing else', async ({ database }) => {
    await loadPeople(database)
    const before = await left(database)
    const preview = await on(database, 'erase', '--username', 'ada', '--dry-run')
    expect(preview.stdout).toContain('client 1 (registered): deleted\n302 messages, ')
    expect(preview.stdout).toContain('100 of them answers of operators')
    expect(preview.stdout).toContain('note: 1 message of them unverified')
    const refused = await on(database, 'erase', '--client-id', '1')
    expect([refused.exitCode, refused.stderr]).toEqual([
      5,
      expect.stringContaining(`hint: chatkeep erase --client-id 1 --confirm ${database.name}`),
    ])
    expect(`${preview.stdout}${refused.stderr}`).not.toContain('secret')
    expect(await left(database)).toEqual(before)
    const argv = ['erase', '--client-id', '1', '--confirm', database.name]
    const done = await on(database, ...argv)
    expect([done.exitCode, done.stdout]).toEqual([
      0,
      expect.stringContaining('ok: 302 messages deleted, 1 client deleted'),
    ])
    expect(await left(database)).toEqual({ messages: 304, clients: ['bea', 'eve'], guests: 1 })
    expect((await on(database, ...argv)).stdout).toContain('ok: the database holds nothing of this person')
    expect((await on(database, 'verify')).exitCode).toBe(0)
    const nobody = await on(database, 'erase', '--dry-run')
    expect([nobody.exitCode, nobody.stderr]).toEqual([2, expect.stringContaining('name the person: --client-id')])
  })

  test('finds guests by a phone, which proves nothing under the name of a registered client', async ({ database }) => {
    await loadPeople(database)
    const argv = ['erase', '--phone', '+2', '--confirm', database.name, '--json'] as const
    expect(JSON.parse((await on(database, ...argv)).stdout)).toMatchObject({
      ...{
        deleted: 303,
        clients: [{ id: '2', isGuest: true }],
        own: [{ table: '"chatkeep"."guest_clients"', rows: 1 }],
      },
    })
    expect(await left(database)).toEqual({ messages: 303, clients: ['ada', 'eve'], guests: 0 })
    expect(await database.query(`SELECT "text" FROM "ChatMessage" WHERE "clientId" = 3`)).toEqual([{ text: 'of eve' }])
  })

  test('says which client had the name before', async ({ database }) => {
    await loadPeople(database)
    await withStore(database, (store) => store.renameClient({ clientId: 2, username: 'Beatrice' }))
    const preview = await on(database, 'erase', '--username', 'bea', '--dry-run')
    expect(preview.stdout).toContain('note: client 2 was renamed: it had the name that you gave')
    const now = await on(database, 'erase', '--username', 'Beatrice', '--dry-run')
    expect([now.stdout, now.exitCode]).toEqual([expect.not.stringContaining('was renamed'), 0])
  })

  test('interrupted, it still finds the rest by the phone', async ({ database }) => {
    await loadPeople(database)
    const interrupt = new AbortController()
    const argv = ['erase', '--phone', '+2', '--confirm', database.name, '--batch-size', '20', '--json']
    const stopped = await runChatkeep(argv, {
      env: { DATABASE_URL: database.url },
      signal: interrupt.signal,
      onStderr: (text) => {
        if (text.includes('deleting')) interrupt.abort()
      },
    })
    const { messages } = await left(database)
    expect([stopped.exitCode, Number(messages) < 606, Number(messages) > 303]).toEqual([130, true, true])
    expect((await on(database, ...argv)).exitCode).toBe(0)
    expect(await left(database)).toEqual({ messages: 303, clients: ['ada', 'eve'], guests: 0 })
  })

  test('is refused by rows that refer to the client, unless its row is kept without name and phone', async ({
    database,
  }) => {
    await loadPeople(database)
    await database.load(`
      CREATE TABLE "Bonus" ("client" integer REFERENCES "Client" ("id") ON DELETE CASCADE);
      CREATE TABLE "Bill" ("client" integer REFERENCES "Client" ("id")); INSERT INTO "Bonus" VALUES (1); INSERT INTO "Bill" VALUES (1)`)
    const argv = ['erase', '--username', 'ada', '--confirm', database.name]
    const refused = await on(database, ...argv)
    expect([refused.exitCode, refused.stderr]).toEqual([5, expect.stringContaining('public."Bill": 1 row')])
    expect(refused.stderr).toContain('public."Bonus": 1 row, deleted as well: ON DELETE CASCADE')
    expect((await left(database)).messages).toBe(606)
    expect((await on(database, ...argv, '--keep-client')).stdout).toContain('1 client anonymised')
    expect(await database.query(`SELECT "username", "phone" FROM "Client" WHERE "id" = 1`)).toEqual([
      { username: 'erased-1', phone: null },
    ])
    expect(await database.query('SELECT FROM "Bonus"')).toHaveLength(1)
  })

  test('leaves no message behind while a store goes on saving for the person', async ({ database }) => {
    await loadPeople(database)
    await withStore(database, async (store) => {
      const end = new AbortController()
      const saved: Promise<{ clientId: number | null }>[] = []
      const message = { senderType: 'CLIENT', messageType: 'TEXT', text: 'on and on' } as const
      const writing = (async () => {
        while (!end.signal.aborted) {
          saved.push(store.saveChatMessage({ ...message, clientId: 1, sessionId: 's' }))
          await saved.at(-1)
        }
      })()
      const erased = await store.eraseContact({ clientIds: [1] }, { batchSize: 50 })
      end.abort()
      await writing
      const kept = (await Promise.all(saved)).filter(({ clientId }) => clientId !== null)
      expect(erased).toEqual({ messages: 302 + kept.length, clientIds: [1], otherClientIds: [] })
      expect((await left(database)).clients).toEqual(['bea', 'eve'])
      expect(await database.query('SELECT FROM "ChatMessage" WHERE "clientId" = 1')).toEqual([])
      await expect(store.eraseContact({})).rejects.toMatchObject({ code: 'invalid_contact' })
    })
  })
})

interface Line {
  readonly type: string
  readonly id?: string | null
  readonly text?: string
  readonly row?: Readonly<Record<string, unknown>>
}

describe('export', () => {
  test('writes all of a person to a new private file, which replay reads, and which is on stdout the same', async ({
    database,
  }) => {
    await loadPeople(database)
    await database.load(`
      ALTER TABLE "Client" ADD COLUMN "email" text; UPDATE "Client" SET "email" = 'bea@example.com' WHERE "id" = 2;
      INSERT INTO "chatkeep"."client_aliases" VALUES ('beatrix', 2);
      INSERT INTO "ChatMessage" ("guestUsername", "senderType", "messageType", "text") VALUES ('beatrix', 'CLIENT', 'TEXT', E'na\\u00efve \\u009b31m\\u202e')`)
    const file = join(await mkdtemp(join(tmpdir(), 'chatkeep-export-')), 'bea.ndjson')
    const done = await on(database, 'export', '--username', 'beatrix', '--output', file)
    expect([done.exitCode, done.stdout]).toEqual([
      0,
      expect.stringMatching(/^ok: 301 messages and 3 other rows are in /),
    ])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const text = await readFile(file, 'utf8')
    const lines = (exported: string): Line[] =>
      exported
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
    expect(lines(text)[1]).toMatchObject({ type: 'client', row: { username: 'bea', email: 'bea@example.com' } })
    expect(lines(text).at(-2)).toMatchObject({ type: 'message', id: null, text: 'naïve \u009b31m\u202e' })
    const printed = await on(database, 'export', '--client-id', '2')
    expect(lines(printed.stdout).slice(1, -1)).toEqual(lines(text).slice(1, -1))
    const again = await on(database, 'export', '--client-id', '2', '--output', file)
    expect([again.exitCode, await readFile(file, 'utf8')]).toEqual([5, text])

    expect((await on(database, 'erase', '--client-id', '2', '--confirm', database.name)).exitCode).toBe(0)
    expect(await database.query('SELECT FROM "chatkeep"."client_aliases"')).toEqual([])
    await writeFile(`${file}.out`, printed.stdout)
    expect((await on(database, 'replay', file)).stdout).toContain('301 saved, 0 duplicates')
    expect((await on(database, 'replay', '--check-only', `${file}.out`)).exitCode).toBe(0)
    expect((await left(database)).clients).toContain('bea')
  })
})
