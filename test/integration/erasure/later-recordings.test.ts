import { mkdir, readdir, readFile, rename, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pid } from 'node:process'
import { createRecorder } from '../../../src/transcripts/recorder.js'
import { on } from '../../support/chat.js'
import { describe, expect, test } from '../../support/database.js'
import { loadPeople } from '../../support/erasure-people.js'
import { recordingText, writeServerFiles } from '../../support/server-files.js'

const BOTH = recordingText([{ username: 'bea' }, { username: 'eve' }])

const NAMES = ['rec', 'rec.1', 'rec.2', 'rec.10'] as const
const BEA = ['--username', 'bea'] as const

const withoutFooter = (text: string): readonly string[] => text.split('\n').filter((line) => !line.includes('"footer"'))

const namesOf = async (path: string): Promise<readonly unknown[]> =>
  [...(await readFile(path, 'utf8')).matchAll(/"username":"(\w+)"/g)].map(([, name]) => name)

describe('recordings that servers began because the name was taken', () => {
  test('lose the person with the one that is named, in their order, and files of other names do not', async ({
    database,
  }) => {
    await loadPeople(database)
    const later = { 'rec.1': BOTH, 'rec.2': BOTH, 'rec.10': BOTH }
    const others = { 'rec.0': 'x', 'rec.01': BOTH, 'rec.5.1': BOTH, 'rec.1e3': BOTH, 'rec.old': BOTH, rec1: BOTH }
    const files = await writeServerFiles({ rec: BOTH, ...later, ...others, 'rec.4': '' })
    await mkdir(join(dirname(files.rec), 'rec.3'))
    const named = ['--recording', files.rec, '--recording', files['rec.1'], '--recording', files.rec]
    const preview = await on(database, 'erase', ...BEA, '--dry-run', ...named)
    expect(preview.stdout.match(/^recording .*$/gm)).toEqual(NAMES.map((name) => `recording ${name}: 1 line`))
    // What it writes is none of them.
    const output = join(dirname(files.rec), 'rec.5')
    const exported = await on(database, 'export', ...BEA, ...named, '--output', output, '--json')
    expect([exported.exitCode, JSON.parse(exported.stdout)]).toMatchObject([0, { lines: 4 }])
    expect((await readFile(output, 'utf8')).match(/"file":"[^"]*"/g)).toEqual(NAMES.map((name) => `"file":"${name}"`))
    await rename(output, join(dirname(files.rec), 'export'))
    const erase = ['erase', ...BEA, '--confirm', database.name, ...named] as const
    expect((await on(database, ...erase)).stdout).toContain(', 4 lines of files deleted')
    for (const name of NAMES) {
      expect(withoutFooter(await readFile(files[name], 'utf8'))).toEqual(
        withoutFooter(BOTH).filter((line) => !line.includes('"bea"')),
      )
      expect((await on(database, 'replay', '--check-only', files[name])).stdout).toContain('1 message')
    }
    for (const [name, text] of Object.entries(others))
      expect(await readFile(join(dirname(files.rec), name), 'utf8')).toBe(text)
    expect((await on(database, ...erase)).stdout).toContain('the database and the files hold nothing of this person')
    expect((await readdir(dirname(files.rec))).filter((name) => name.endsWith('.draft'))).toEqual([])
  })

  test('are found where the first was moved away, or is a link; one that is named itself is alone', async ({
    database,
  }) => {
    await loadPeople(database)
    const files = await writeServerFiles({ rec: BOTH, 'rec.1': BOTH, 'rec.2': BOTH })
    const link = join((await writeServerFiles({ other: '' })).other, '..', 'link')
    await symlink(files.rec, link)
    const recordingsOf = async (path: string): Promise<unknown> => {
      const { stdout, stderr } = await on(database, 'erase', ...BEA, '--dry-run', '--json', '--recording', path)
      expect(stderr).toBe('')
      return (JSON.parse(stdout) as { files: { path: string }[] }).files.map((file) => basename(file.path))
    }
    expect(await recordingsOf(link)).toEqual(['rec', 'rec.1', 'rec.2'])
    expect(await recordingsOf(files['rec.1'])).toEqual(['rec.1'])
    await rename(files.rec, join(dirname(files.rec), 'moved'))
    expect(await recordingsOf(files.rec)).toEqual(['rec.1', 'rec.2'])
    const done = await on(database, 'erase', ...BEA, '--confirm', database.name, '--recording', files.rec)
    expect([done.exitCode, done.stdout]).toEqual([0, expect.stringContaining(', 2 lines of files deleted')])
    expect(await Promise.all([files['rec.1'], files['rec.2']].map(namesOf))).toEqual([['eve'], ['eve']])
    const missing = await on(database, 'erase', ...BEA, '--dry-run', '--recording', join(dirname(files.rec), 'none'))
    expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining('none')])
  })

  test('that a server holds, or that are none, are refused by name before anything is changed', async ({
    database,
  }) => {
    await loadPeople(database)
    const { rec } = await writeServerFiles({ rec: BOTH })
    const recorder = await createRecorder({ path: rec, onStopped: (reason) => expect.fail(reason) })
    expect(recorder.path).toBe(`${rec}.1`)
    recorder.record({
      message: {
        ...{ clientId: null, guestUsername: 'bea', guestPhone: null, senderType: 'CLIENT', messageType: 'TEXT' },
        ...{ text: 'live', sessionId: 's', idempotencyKey: 'live' },
      },
      createdAt: new Date(),
      operatorName: null,
    })
    await expect.poll(async () => (await stat(recorder.path)).size).toBeGreaterThan(0)
    const erase = ['erase', ...BEA, '--confirm', database.name, '--recording', rec] as const
    const held = await on(database, ...erase)
    expect([held.exitCode, held.stderr]).toEqual([4, expect.stringContaining(`(${pid}) writes the recording ${rec}.1`)])
    const preview = await on(database, 'erase', ...BEA, '--dry-run', '--recording', rec)
    expect([preview.exitCode, preview.stdout]).toEqual([0, expect.stringContaining('recording rec.1: 1 line\n')])
    await recorder.close()
    const files = await writeServerFiles({ rec: BOTH, 'rec.1': 'name,text\nbea,hi\n' })
    const none = await on(database, 'erase', ...BEA, '--confirm', database.name, '--recording', files.rec)
    expect([none.exitCode, none.stderr]).toEqual([5, expect.stringContaining('rec.1 is a table (CSV)')])
    expect(await readFile(rec, 'utf8')).toBe(BOTH)
    expect(await readFile(files.rec, 'utf8')).toBe(BOTH)
    expect(await database.query('SELECT FROM "ChatMessage" WHERE "clientId" = 2')).toHaveLength(300)
    expect((await on(database, ...erase)).exitCode).toBe(0)
    // Not the text: an id or a hash may have these letters.
    expect(await namesOf(recorder.path)).toEqual([])
  })
})
