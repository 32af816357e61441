import { mkdtemp, rm, writeFile, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrated } from '../../support/chat.js'
import { runChatkeep, type Run } from '../../support/chatkeep.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { withLimitedRole } from '../../support/limited-role.js'

const withFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-check-'))
  await work(folder).finally(() => rm(folder, { recursive: true }))
}

/** A chat with seven messages without client, none of them of the last day. */
const withoutClient = async (database: TestDatabase): Promise<void> => {
  await migrated(database)
  await database.load(`
    INSERT INTO "ChatMessage" ("createdAt", "guestUsername", "senderType", "messageType")
    SELECT timezone('UTC', now()) - interval '2 days', 'ann', 'CLIENT', 'TEXT' FROM generate_series(1, 7)`)
}

const metrics = (url: string, cwd: string, ...flags: readonly string[]): Promise<Run> =>
  runChatkeep(['metrics', ...flags], { env: { DATABASE_URL: url }, cwd })

/** The code and the first words of the only line. */
const headOf = ({ exitCode, stdout, stderr }: Run): readonly unknown[] => {
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^[^\n]+\n$/)
  return [exitCode, stdout.split(' | ')[0]?.trimEnd()]
}

const UNLINKED = 'messages_without_client'

describe('metrics --check', () => {
  test('answers 0, 1, 2 or 3, in one line with performance data', async ({ database }) => {
    await withoutClient(database)
    await withFolder(async (folder) => {
      const check = (...flags: readonly string[]) => metrics(database.url, folder, '--check', ...flags)
      const quiet = await check()
      expect(headOf(quiet)).toEqual([0, expect.stringMatching(/^CHATKEEP OK: \d+ metrics$/)])
      expect(quiet.stdout).toContain(` | 'clients_created'=0;;;0 `)
      expect(quiet.stdout).toContain(` '${UNLINKED}'=7;100;;0`)
      expect(headOf(await check('--warn', `${UNLINKED}=5`, '--crit', `${UNLINKED}=10`))).toEqual([
        1,
        'CHATKEEP WARNING: messages without client 7, above 5',
      ])
      expect(headOf(await check('--warn', `${UNLINKED}=5`, '--crit', 'guest_messages=10:'))).toEqual([
        2,
        'CHATKEEP CRITICAL: guest messages 0, below 10; messages without client 7, above 5',
      ])
      const holder = await database.client({ application_name: 'report-job' })
      await holder.query('BEGIN; LOCK TABLE "Client" IN ACCESS EXCLUSIVE MODE')
      const { exitCode, stdout } = await check('--crit', 'clients_created=0', '--warn', `${UNLINKED}=10`)
      expect(exitCode).toBe(3)
      expect(stdout).toMatch(
        /^CHATKEEP UNKNOWN: "Client" is locked by pid \d+ \(report-job, .*; \d+ with a threshold unknown \| .*\n$/,
      )
      await holder.query('ROLLBACK')
    })
  })

  test('is UNKNOWN in one line when it cannot find out, or was asked wrongly', async ({ database }) => {
    await migrated(database)
    await withFolder(async (folder) => {
      const nowhere = new URL(database.url)
      nowhere.host = '127.0.0.1:1'
      const unknown = (text: RegExp) => [3, expect.stringMatching(text) as unknown]
      expect(headOf(await metrics(nowhere.href, folder, '--check'))).toEqual(
        unknown(/^CHATKEEP UNKNOWN: cannot reach the database /),
      )
      await withLimitedRole(database, async ({ url }) => {
        expect(headOf(await metrics(url, folder, '--check'))).toEqual(
          unknown(/^CHATKEEP UNKNOWN: .*permission|may not/),
        )
      })
      for (const flags of [
        ['--warn', 'x=1'],
        ['--since', 'x'],
        ['--nonsense'],
        ['--config', 'no.json'],
        ['--format', 'csv'],
      ])
        expect(headOf(await metrics(database.url, folder, '--check', ...flags))).toEqual(unknown(/^CHATKEEP UNKNOWN: /))
      const mistyped = await metrics(database.url, folder, '--check', '--json', '--nonsense')
      expect([mistyped.exitCode, JSON.parse(mistyped.stdout)]).toMatchObject([
        3,
        { ok: false, error: { code: 'usage' } },
      ])
      const failed = await metrics(nowhere.href, folder, '--check', '--json')
      expect(failed.exitCode).toBe(3)
      expect(JSON.parse(failed.stdout)).toMatchObject({
        ok: false,
        verdict: { state: 'unknown', breaches: [] },
        error: { code: 'database_unreachable' },
      })
    })
  })

  test('without it, the verdict is part of the answer and leaves the exit code alone', async ({ database }) => {
    await withoutClient(database)
    await withFolder(async (folder) => {
      const warn = ['--warn', `${UNLINKED}=~:5`]
      const table = await metrics(database.url, folder, ...warn)
      expect(table.exitCode).toBe(0)
      expect(table.stdout).toMatch(
        /\n\nwarning: messages without client 7, above 5\nWARNING {2}1 value breaches its threshold\n$/,
      )
      const quiet = await metrics(database.url, folder, '--quiet', ...warn)
      expect(quiet.stdout).toMatch(
        /^warning: messages without client 7, above 5\nWARNING {2}1 value breaches its threshold\n$/,
      )
      const verdict = {
        state: 'warning',
        breaches: [{ state: 'warning', name: UNLINKED, labels: {}, value: 7, range: '~:5' }],
      }
      const plain = await metrics(database.url, folder, '--json', ...warn)
      expect([plain.exitCode, JSON.parse(plain.stdout)]).toMatchObject([0, { ok: true, verdict }])
      const checked = await metrics(database.url, folder, '--json', '--check', ...warn)
      expect([checked.exitCode, JSON.parse(checked.stdout)]).toMatchObject([1, { ok: false, verdict }])
    })
  })

  test('takes flags over the file, and the file over the defaults', async ({ database }) => {
    await withoutClient(database)
    await withFolder(async (folder) => {
      const file = join(folder, 'chatkeep.config.json')
      const write = (thresholds: object) => writeFile(file, JSON.stringify({ thresholds }))
      const codeOf = async (...flags: readonly string[]) =>
        (await metrics(database.url, folder, '--check', ...flags)).exitCode
      await write({ [UNLINKED]: { warn: '5', crit: '6' } })
      expect(await codeOf()).toBe(2)
      expect(await codeOf('--crit', `${UNLINKED}=off`)).toBe(1)
      await write({ [UNLINKED]: { warn: null } })
      expect(await codeOf('--config', 'chatkeep.config.json')).toBe(0)
      await write({ message_without_client: { warn: '10GB' }, [UNLINKED]: { crit: '10GB' } })
      const { exitCode, stderr } = await metrics(database.url, folder, '--warn', 'guest_mesages=1')
      expect([exitCode, stderr]).toEqual([
        2,
        `error: 3 mistakes in the thresholds
  --warn guest_mesages=1: unknown metric "guest_mesages"; did you mean guest_messages?
  chatkeep.config.json:1:16: unknown metric "message_without_client"; did you mean messages_without_client?
  chatkeep.config.json:1:84: "10GB" is no range of counts: write 20 (alert above), 10: (below), 10:20 (outside) or @10:20 (inside)
`,
      ])
    })
  })

  test('ignores a file that every user may write to, and says so', async ({ database }) => {
    await withoutClient(database)
    await withFolder(async (folder) => {
      const file = join(folder, 'chatkeep.config.json')
      await writeFile(file, '{ "thresholds": { "messages_without_client": { "crit": "0" } } }')
      await chmod(file, 0o666)
      const { exitCode, stderr } = await metrics(database.url, folder, '--check')
      expect([exitCode, stderr]).toEqual([
        0,
        `${file} is ignored: every user may write to it; name it with --config to use it\n`,
      ])
      expect((await metrics(database.url, folder, '--check', '--config', file)).exitCode).toBe(2)
    })
  })
})
