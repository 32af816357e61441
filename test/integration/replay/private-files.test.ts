import { chmod, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRecorder } from '../../../src/transcripts/recorder.js'
import { migrated, on } from '../../support/chat.js'
import { afterEach, beforeEach, describe, expect, test } from '../../support/database.js'
import { manyLines } from '../../support/transcript.js'

let folder = ''
let precious = ''
let input = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatkeep-private-'))
  precious = join(folder, 'precious')
  input = join(folder, 'transcript')
  await writeFile(precious, 'precious')
  await writeFile(input, `${manyLines(3)}no message\n`)
})
afterEach(() => rm(folder, { recursive: true }))

describe('the files of a replay', () => {
  test.for(['--history', '--rejected', '--resume'])(
    'are not written through a link that somebody planted: %s',
    async (flag, { database }) => {
      await migrated(database)
      const path = join(folder, 'planted')
      await symlink(precious, path)
      const { exitCode, stderr } = await on(database, 'replay', input, flag, path)
      expect(stderr).toContain(flag === '--history' ? `${path} already exists` : `${path} is a symbolic link`)
      expect(exitCode).toBe(flag === '--history' ? 2 : 5)
      expect(await readFile(precious, 'utf8')).toBe('precious')
    },
  )

  test('are for their owner alone, and a foreseeable name beside them changes nothing', async ({ database }) => {
    await migrated(database)
    await symlink(precious, join(folder, 'state.next'))
    const [history, rejected, state] = ['history', 'rejected', 'state'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    await writeFile(rejected, '')
    await chmod(rejected, 0o666)
    const run = await on(database, 'replay', input, '--history', history, '--rejected', rejected, '--resume', state)
    expect(run.stderr).not.toContain('error:')
    expect(await Promise.all([history, rejected, state].map(async (path) => (await stat(path)).mode & 0o777))).toEqual([
      0o600, 0o600, 0o600,
    ])
    expect(await readFile(precious, 'utf8')).toBe('precious')
    expect((await readdir(folder)).toSorted()).toEqual(
      ['history', 'precious', 'rejected', 'state', 'state.next', 'transcript'].toSorted(),
    )
  })
})

describe('a recording', () => {
  test('closes an empty file that others could read, and does not follow a link', async () => {
    const path = join(folder, 'recording')
    await writeFile(path, '')
    await chmod(path, 0o666)
    const recorder = await createRecorder({ path, onStopped: () => undefined })
    await recorder.close()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await symlink(precious, join(folder, 'link'))
    await expect(createRecorder({ path: join(folder, 'link'), onStopped: () => undefined })).rejects.toMatchObject({
      code: 'file_not_private',
    })
  })
})
