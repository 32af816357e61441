import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { migrated, on } from '../support/chat.js'
import { startChatkeep, whenEnded } from '../support/chatkeep-process.js'
import { withProxy } from '../support/cuttable-proxy.js'
import { dataOf } from '../support/database-state.js'
import { expect, test, type TestDatabase } from '../support/database.js'
import { loadPeople, peopleLeft } from '../support/erasure-people.js'
import { loadFixture } from '../support/fixtures.js'
import { journalText, recordingText, writeServerFiles } from '../support/server-files.js'
import { watchStatements } from '../support/statement-watch.js'

/** Starts the program and kills it (SIGKILL) while this statement is on its way. */
const killedAt = async (database: TestDatabase, statement: RegExp, ...argv: readonly string[]): Promise<void> => {
  let kill = (): unknown => undefined
  const tap = watchStatements((candidate) => (statement.test(candidate) ? () => void kill() : 'pass'))
  await withProxy(
    database.url,
    async ({ url }) => {
      const child = startChatkeep([...argv, '--database-url', url])
      kill = () => child.kill('SIGKILL')
      expect((await whenEnded(child)).signal).toBe('SIGKILL')
    },
    tap,
  )
}

test('a program that is killed (kill -9) in the middle of migrate or rollback is taken up by the next', async ({
  database,
}) => {
  const rollback = ['rollback', '--confirm', database.name] as const
  await loadFixture(database, 'hand-migrated')
  await killedAt(database, /^CREATE UNIQUE INDEX CONCURRENTLY/, 'migrate')
  await migrated(database)
  const before = await dataOf(database)
  await killedAt(database, /^INSERT INTO "chatkeep"."archive"/, ...rollback)
  await killedAt(
    database,
    /^COMMIT.*after: ALTER TABLE "ChatMessage" DROP COLUMN IF EXISTS "idempotencyKey"/,
    ...rollback,
  )
  await migrated(database)
  expect(await dataOf(database)).toEqual(before)
  expect((await on(database, 'verify')).exitCode).toBe(0)
})

const WRITTEN = [
  { username: 'bea' },
  { username: 'eve' },
  { username: 'new', phone: '+2' },
  { username: 'new' },
] as const

// Files and database are not changed in one transaction.
test('an erasure that is killed (kill -9) between files and database is finished by the next', async ({ database }) => {
  await loadPeople(database)
  const { journal, recording } = await writeServerFiles({
    journal: journalText(WRITTEN),
    recording: recordingText(WRITTEN),
  })
  const named = ['--journal', journal, '--recording', recording]
  const erase = ['erase', '--username', 'bea', '--phone', '+2', '--confirm', database.name, ...named] as const
  const left = async (): Promise<readonly number[]> => {
    const texts = await Promise.all([journal, recording].map((path) => readFile(path, 'utf8')))
    return texts.map((text) => text.match(/"type":"message"/g)?.length ?? 0)
  }
  await killedAt(database, /WITH batch AS MATERIALIZED/, ...erase)
  // What finds the person by the phone stays to the end.
  expect([await left(), (await peopleLeft(database)).messages]).toEqual([[2, 2], 606])
  await killedAt(database, /^DELETE FROM .*"Client"/, ...erase)
  expect((await peopleLeft(database)).clients).toContain('bea')
  await killedAt(database, /^COMMIT.*-- after: DELETE FROM .*"wanted_clients"/, ...erase)
  expect(await left()).toEqual([2, 2])
  const done = await on(database, ...erase)
  expect([done.exitCode, done.stdout], done.stderr).toEqual([0, expect.stringContaining('ok: ')])
  expect([await left(), (await peopleLeft(database)).clients]).toEqual([
    [1, 1],
    ['ada', 'eve'],
  ])
  expect((await on(database, ...erase)).stdout).toContain('the database and the files hold nothing of this person')
})

const ZOE = [{ username: 'zoe', conversation: 'z' }] as const

test.for([
  ['a journal and a recording', journalText(ZOE), 'recording', ['--journal', '--recording']],
  ['a recording and the next of its name', recordingText(ZOE), 'first.1', ['--recording']],
] as const)(
  'an erasure that is killed between two files, %s, finds what only the first one shows to be of the person',
  async ([, text, name, flags], { database }) => {
    await loadPeople(database)
    const others = Array.from({ length: 200 }, () => ({ username: 'eve', text: 'x'.repeat(100_000) }))
    const answer = { username: null, from: 'OPERATOR', conversation: 'z', text: 'for zoe' } as const
    const texts: Record<string, string> = { first: text, [name]: recordingText([answer, ...others]) }
    const { first = '', [name]: second = '' } = await writeServerFiles(texts)
    const named = flags.flatMap((flag, index) => [flag, index === 0 ? first : second])
    const erase = ['erase', '--username', 'zoe', '--confirm', database.name, ...named] as const
    const child = startChatkeep([...erase, '--database-url', database.url])
    const watcher = watch(dirname(first), (_event, changed) => {
      if (changed === basename(first)) child.kill('SIGKILL')
    })
    expect((await whenEnded(child)).signal).toBe('SIGKILL')
    watcher.close()
    const done = await on(database, ...erase)
    expect(done.exitCode, done.stderr).toBe(0)
    expect(await readFile(first, 'utf8')).not.toContain('zoe')
    expect((await readFile(second, 'utf8')).includes('for zoe')).toBe(false)
  },
)
