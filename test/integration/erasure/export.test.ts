import { once } from 'node:events'
import { access, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { on } from '../../support/chat.js'
import { startChatkeep, whenEnded } from '../../support/chatkeep-process.js'
import { describe, expect, test } from '../../support/database.js'
import { loadPeople, peopleLeft as left } from '../../support/erasure-people.js'

const newFile = async (): Promise<string> => join(await mkdtemp(join(tmpdir(), 'chatkeep-export-')), 'export.ndjson')

describe('an export', () => {
  test('replayed into the database that it came from stores only what is no longer there', async ({ database }) => {
    await loadPeople(database)
    const file = await newFile()
    await on(database, 'export', '--username', 'ada', '--output', file)
    for (const flags of [[], ['--check-only'], []]) {
      const again = await on(database, 'replay', file, ...flags)
      expect([again.exitCode, again.stdout]).toEqual([
        0,
        expect.stringContaining('left out: 302 messages of the export, still in this database'),
      ])
    }
    expect(await left(database)).toMatchObject({ messages: 606, clients: ['ada', 'bea', 'eve'] })

    await database.load(`
      DELETE FROM "ChatMessage" WHERE "id" IN (2, 601);
      UPDATE "ChatMessage" SET "createdAt" = "createdAt" - interval '1 day' WHERE "id" = 4`)
    const some = await on(database, 'replay', file, '--json')
    // The message with another time under the old id has kept its key.
    expect(JSON.parse(some.stdout)).toMatchObject({ alreadyThere: 299, attempted: 3, saved: 2, rejected: 1 })
    expect(JSON.parse((await on(database, 'replay', file, '--json')).stdout)).toMatchObject({ saved: 0, duplicates: 2 })
    expect(await left(database)).toMatchObject({ messages: 606 })
  })

  test('rounds no number of the application', async ({ database }) => {
    await loadPeople(database)
    await database.load(`
      ALTER TABLE "Client" ADD "balance" numeric, ADD "partner" bigint, ADD "settings" jsonb;
      UPDATE "Client" SET "balance" = 12345678901234567890.5, "partner" = 9007199254740993, "settings" = '{"n": 9007199254740993, "m": 1.5}'
      WHERE "username" = 'ada'`)
    const { stdout } = await on(database, 'export', '--username', 'ada')
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; row: unknown })
    expect(lines.find(({ type }) => type === 'client')?.row).toMatchObject({
      balance: '12345678901234567890.5',
      partner: '9007199254740993',
      settings: { n: '9007199254740993', m: 1.5 },
    })
  })

  test('of somebody of whom nothing is kept fails, and leaves no file', async ({ database }) => {
    await loadPeople(database)
    const file = await newFile()
    for (const argv of [[], ['--output', file]]) {
      const { exitCode, stdout, stderr } = await on(database, 'export', '--username', 'Ada', ...argv)
      expect([exitCode, stdout, stderr]).toEqual([
        1,
        '',
        expect.stringContaining('error: the database holds nothing of this person; nothing was exported'),
      ])
    }
    await expect(access(file)).rejects.toThrow('ENOENT')
  })

  test.for([[100_000], [0]] as const)(
    'notices that its reader is gone, %i messages before its end',
    async ([more], { database }) => {
      await loadPeople(database)
      await database.query(
        `INSERT INTO "ChatMessage" ("clientId", "senderType", "messageType", "text")
       SELECT 3, 'CLIENT', 'TEXT', 'more' FROM generate_series(1, $1::integer)`,
        [more],
      )
      const child = startChatkeep(['export', '--client-id', '3'], { DATABASE_URL: database.url })
      if (more > 0 && child.stdout !== null) await once(child.stdout, 'data')
      child.stdout?.destroy()
      const { code, stderr } = await whenEnded(child)
      expect([code, stderr]).toEqual([
        3,
        expect.stringContaining('error: the reader of stdout ended before the export was complete'),
      ])
      expect(stderr).toContain('--output FILE')
      expect(stderr).not.toContain('exported:')
    },
  )
})
