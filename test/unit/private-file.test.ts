import { chmod, chown, link, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  openPrivateFile,
  ownUserId,
  removeDrafts,
  replacePrivateFile,
  type PrivateAccess,
} from '../../src/private-file.js'

const EVERY: readonly PrivateAccess[] = ['create', 'append', 'update', 'read']
const isRoot = ownUserId() === 0

let folder = ''
let path = ''
let precious = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'private-file-'))
  path = join(folder, 'file')
  precious = join(folder, 'precious')
  await writeFile(precious, 'precious', { mode: 0o644 })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const refusal = async (access: PrivateAccess): Promise<unknown> =>
  openPrivateFile(path, access).then(
    (file) => file.close(),
    (error: unknown) => error,
  )
const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777

describe('a private file', () => {
  test.for(EVERY)('is not opened through a symbolic link: %s', async (access) => {
    await symlink(precious, path)
    const error = await refusal(access)
    if (access === 'create') expect(error).toMatchObject({ code: 'EEXIST' })
    else
      expect(error).toMatchObject({
        code: 'file_not_private',
        message: `${path} is a symbolic link, so it is not used`,
      })
    expect(await readFile(precious, 'utf8')).toBe('precious')
    expect(await modeOf(precious)).toBe(0o644)
  })

  test('is not made through a symbolic link to nothing', async () => {
    await symlink(join(folder, 'new'), path)
    await refusal('append')
    expect(await readdir(folder)).toEqual(['file', 'precious'])
  })

  test('is not appended to when it has a second name', async () => {
    await link(precious, path)
    expect(await refusal('append')).toMatchObject({
      message: `${path} has a second name (a hard link), so it is not used`,
    })
    expect(await modeOf(precious)).toBe(0o644)
  })

  test('is a regular file', async () => {
    await mkdir(path)
    expect(await refusal('read')).toMatchObject({ message: `${path} is not a regular file, so it is not used` })
  })

  test('that is appended to is closed to others, also when it was open before', async () => {
    await writeFile(path, '')
    await chmod(path, 0o666)
    await refusal('append')
    expect(await modeOf(path)).toBe(0o600)
  })

  test('is not read when every user could write to it', async () => {
    await writeFile(path, '')
    await chmod(path, 0o666)
    expect(await refusal('read')).toMatchObject({ code: 'file_not_private' })
  })

  test('is made with mode 0600, whatever the umask', async () => {
    await refusal('create')
    expect(await modeOf(path)).toBe(0o600)
  })

  test('is not in a folder to which every user may write, unless the sticky bit protects it', async () => {
    await chmod(folder, 0o777)
    expect(await refusal('create')).toMatchObject({
      code: 'file_not_private',
      hint: expect.stringContaining('chmod o-w') as string,
    })
    await chmod(folder, 0o1777)
    expect(await refusal('create')).toBeUndefined()
  })

  test.runIf(isRoot).for(['append', 'update', 'read'] as const)('of another user is refused: %s', async (access) => {
    await writeFile(path, 'theirs')
    await chown(path, 12_345, 12_345)
    expect(await refusal(access)).toMatchObject({
      message: `${path} belongs to another user (uid 12345), so it is not used`,
    })
    expect(await readFile(path, 'utf8')).toBe('theirs')
  })

  test('is replaced whole, through a draft that nobody can foresee', async () => {
    await writeFile(path, 'old')
    await Promise.all(['.new', '.next', '.draft'].map((ending) => symlink(precious, `${path}${ending}`)))
    let drafts: string[] = []
    const file = await replacePrivateFile(path, async (draft) => {
      await draft.writeFile('new')
      drafts = (await readdir(folder)).filter((name) => /^file\.[0-9a-f]{16}\.draft$/.test(name))
      expect(await readFile(path, 'utf8')).toBe('old')
    })
    await file.close()
    expect(drafts).toHaveLength(1)
    expect([await readFile(path, 'utf8'), await readFile(precious, 'utf8')]).toEqual(['new', 'precious'])
    expect(await modeOf(path)).toBe(0o600)
    expect(await readdir(folder)).not.toContain(drafts[0])
  })

  test('keeps its content, and leaves no draft, when writing fails', async () => {
    await writeFile(path, 'old')
    await expect(replacePrivateFile(path, () => Promise.reject(new Error('no room')))).rejects.toThrow('no room')
    expect([await readFile(path, 'utf8'), await readdir(folder)]).toEqual(['old', ['file', 'precious']])
  })

  test('loses the drafts of killed processes, and nothing else', async () => {
    const others = ['file.0123456789abcdef.draft.txt', 'file.draft', 'other.0123456789abcdef.draft']
    for (const name of ['file.0123456789abcdef.draft', ...others]) await writeFile(join(folder, name), '')
    await removeDrafts(path)
    expect(await readdir(folder)).toEqual([...others, 'precious'].toSorted())
  })
})
