import { randomBytes } from 'node:crypto'
import { link, lstat, mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as z from 'zod/mini'
import { $ZodError } from 'zod/v4/core'
import { ExitCode, OperatorError } from '../../errors.js'
import { hasCode } from '../../file-reason.js'
import { changeFolder, openPrivateFile, ownUserId, readPrivateFile } from '../../private-file.js'
import {
  type Account,
  endProcess,
  findObstacle,
  findServerAccount,
  findTemporaryFolder,
  inspectProcess,
  pidScope,
} from './process.js'
import { shellWord } from '../../shell-word.js'

/** The files of one server. The outer folder belongs to this process's user; `data` and the password file to the account. */
export interface ServerFolder {
  readonly root: string
  readonly data: string
  readonly passwordFile: string
  readonly ownerFile: string
  readonly logFile: string
  readonly isTemporary: boolean
  readonly account: Account | undefined
}

/** Which folder a server uses, and for which owner. */
export interface WantedFolder {
  readonly ownerPid: number
  readonly dataDirectory?: string | undefined
  readonly temporaryParent?: string | undefined
}

/** The process that a server runs for. `startedAt` and `scope` distinguish it from another process with the same pid. */
type Owner = Readonly<z.infer<typeof ownerShape>>

const temporaryPrefix = 'chatkeep-postgres-'
const ownerFileName = 'chatkeep-postgres.owner'
const passwordFileName = 'chatkeep-postgres.password'
/** Longer than it takes to write the owner file into a new folder. */
const ownerlessMs = 600_000
/** A kept server gets time to shut down; the data of a temporary one is not needed. */
const waysToEnd = {
  kept: [
    ['INT', 10_000],
    ['QUIT', 5_000],
    ['KILL', 5_000],
  ],
  temporary: [
    ['QUIT', 3_000],
    ['KILL', 5_000],
  ],
} as const
const ownerShape = z.object({ pid: z.int().check(z.positive()), startedAt: z.string(), scope: z.string() })

/** Creates or opens the folder of a server and claims it for the owner. First stops and removes what dead owners left behind. */
export const claimFolder = async (wanted: WantedFolder): Promise<ServerFolder> => {
  const { dataDirectory } = wanted
  const owner = await describeOwner(wanted.ownerPid)
  const account = await findServerAccount()
  const temporaryParent = await findTemporaryFolder(account, wanted.temporaryParent)
  await removeLeftovers(temporaryParent, account)
  const folder =
    dataDirectory === undefined
      ? await makeTemporaryFolder(temporaryParent, account)
      : await openKeptFolder(dataDirectory, account)
  await writeOwner(folder, owner)
  const stranger = await findPostmaster(folder)
  if (stranger === undefined) return folder
  await releaseFolder(folder)
  throw inUse(`PostgreSQL process ${stranger}, which was not started by chatkeep, runs on ${folder.root}`)
}

/** Releases the folder: removes a temporary one, leaves a kept one to the next owner. */
export const releaseFolder = async (folder: ServerFolder): Promise<void> => {
  const path = folder.isTemporary ? folder.root : folder.ownerFile
  // Backends outlive a killed postmaster for a moment and still write.
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

/** The password of the folder's server, generated the first time. Its file is beside the data, readable only by the account. */
export const providePassword = async ({ passwordFile, account }: ServerFolder): Promise<string> => {
  try {
    return (await readPrivateFile(passwordFile, account)).trim()
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
  const password = randomBytes(24).toString('hex')
  const file = await openPrivateFile(passwordFile, 'create')
  try {
    await file.writeFile(`${password}\n`)
    if (account) await file.chown(account.uid, account.gid)
  } finally {
    await file.close()
  }
  return password
}

const describeOwner = async (pid: number): Promise<Owner> => {
  const process = await inspectProcess(pid)
  if (!process) {
    throw new OperatorError(
      'embedded_postgres_unsupported',
      `process ${pid} cannot be seen: neither /proc nor ps works`,
      {
        hint: 'name a database with --database-url',
      },
    )
  }
  return { pid, startedAt: process.startedAt, scope: await pidScope() }
}

const describeFolder = (root: string, account: Account | undefined, isTemporary: boolean): ServerFolder => ({
  root,
  data: join(root, 'data'),
  passwordFile: join(root, passwordFileName),
  ownerFile: join(root, ownerFileName),
  logFile: join(root, 'server.log'),
  isTemporary,
  account,
})

const makeTemporaryFolder = async (parent: string, account: Account | undefined): Promise<ServerFolder> => {
  const root = await mkdtemp(join(parent, temporaryPrefix))
  await admitAccount(root, account)
  return describeFolder(root, account, true)
}

const openKeptFolder = async (path: string, account: Account | undefined): Promise<ServerFolder> => {
  // The mode of an existing folder is not changed.
  if (await makeFolders(path)) await admitAccount(path, account)
  const root = await realpath(path)
  await refuseStrangeContent(root)
  const dataAccount = await findAccountForData(root, account)
  await refuseObstacle(root, dataAccount)
  return describeFolder(root, dataAccount, false)
}

const admitAccount = async (folder: string, account: Account | undefined): Promise<void> => {
  await changeFolder(folder, account ? { mode: 0o750, uid: 0, gid: account.gid } : { mode: 0o700 })
}

const refuseStrangeContent = async (root: string): Promise<void> => {
  const names = await readdir(root)
  if (names.length === 0 || names.includes(passwordFileName) || names.includes(ownerFileName)) return
  const content = names.includes('PG_VERSION') ? 'is the data directory of another PostgreSQL' : 'is not empty'
  throw new OperatorError('embedded_postgres_directory', `${root} ${content}, and was not created by chatkeep`, {
    hint: 'give --embedded a new or an empty folder; to use a running server name it with --database-url',
  })
}

/** PostgreSQL must run as the owner of its data. Root can switch to that user; other users cannot. */
const findAccountForData = async (root: string, account: Account | undefined): Promise<Account | undefined> => {
  const data = await lstat(join(root, 'data')).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (!data) return account
  if (account && data.uid !== 0) return { uid: data.uid, gid: data.gid }
  if (!account && data.uid === ownUserId()) return undefined
  throw new OperatorError(
    'embedded_postgres_directory',
    `the data in ${root} belongs to another user (uid ${data.uid})`,
    {
      hint: 'run as that user, or give --embedded another folder',
    },
  )
}

const refuseObstacle = async (root: string, account: Account | undefined): Promise<void> => {
  if (!account) return
  const obstacle = await findObstacle(root, account)
  if (obstacle === undefined) return
  throw new OperatorError(
    'embedded_postgres_directory',
    `PostgreSQL does not run as root, and its own user (uid ${account.uid}) cannot enter ${obstacle}`,
    { hint: `chmod o+x ${shellWord(obstacle)}, or give --embedded a folder outside of it, such as /var/tmp/chatkeep` },
  )
}

const writeOwner = async (folder: ServerFolder, owner: Owner): Promise<void> => {
  const draft = `${folder.ownerFile}-${owner.pid}-${randomBytes(4).toString('hex')}`
  await writeFile(draft, JSON.stringify(owner), { mode: 0o644, flag: 'wx' })
  try {
    for (;;) {
      try {
        // Unlike a write, a link is atomic, and fails when another claim exists.
        await link(draft, folder.ownerFile)
        return
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw error
      }
      await evictDeadOwner(folder)
    }
  } finally {
    await rm(draft, { force: true })
  }
}

/** Stops what a dead owner left running in a kept folder and removes its claim; refuses while the owner runs. */
const evictDeadOwner = async (folder: ServerFolder): Promise<void> => {
  const owner = await readOwner(folder)
  const life = owner ? await findLife(owner) : 'dead'
  if (life === 'alive') throw inUse(`process ${owner?.pid ?? ''} uses ${folder.root}`)
  if (life === 'unknown') {
    throw inUse(`${folder.root} is in use by process ${owner?.pid ?? ''} of ${owner?.scope ?? ''}`, [
      'It is on another machine or in another container, so chatkeep cannot tell whether it still runs.',
      `If it does not: rm ${shellWord(folder.ownerFile)}`,
    ])
  }
  if (!(await endPostmaster(folder))) throw inUse(`the server left behind in ${folder.root} cannot be stopped`)
  // Another start may have claimed the folder meanwhile.
  if ((await readOwner(folder))?.startedAt === owner?.startedAt) await rm(folder.ownerFile, { force: true })
}

const inUse = (message: string, details: readonly string[] = []): OperatorError =>
  new OperatorError('embedded_postgres_busy', message, {
    details,
    hint: 'stop it first, or give --embedded another folder',
    exitCode: ExitCode.busy,
    retryable: true,
  })

/** Undefined: there is none, or the machine crashed while it was written. */
const readOwner = async ({ ownerFile }: ServerFolder): Promise<Owner | undefined> => {
  try {
    return ownerShape.parse(JSON.parse(await readFile(ownerFile, 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError || error instanceof $ZodError) return undefined
    throw error
  }
}

const findLife = async ({ pid, startedAt, scope }: Owner): Promise<'alive' | 'dead' | 'unknown'> => {
  if (scope !== (await pidScope())) return 'unknown'
  return (await inspectProcess(pid))?.startedAt === startedAt ? 'alive' : 'dead'
}

/** The pid of the server that runs on the folder's data; a reused pid in a stale lock file does not count. */
const findPostmaster = async ({ data }: ServerFolder): Promise<number | undefined> => {
  const lock = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(lock, 10)
  if (!(pid > 0)) return undefined
  const process = await inspectProcess(pid)
  return process?.commandLine.includes(`postgres -D ${data} `) ? pid : undefined
}

const endPostmaster = async (folder: ServerFolder): Promise<boolean> => {
  const pid = await findPostmaster(folder)
  if (pid === undefined) return true
  return await endProcess(pid, folder.isTemporary ? waysToEnd.temporary : waysToEnd.kept, folder.account)
}

const removeLeftovers = async (parent: string, account: Account | undefined): Promise<void> => {
  const uid = ownUserId()
  const names = (await readdir(parent)).filter((name) => name.startsWith(temporaryPrefix))
  for (const name of names) {
    try {
      await removeIfLeftOver(join(parent, name), uid, account)
    } catch {
      // Gone meanwhile, or not removable: neither prevents starting a server.
    }
  }
}

const removeIfLeftOver = async (root: string, uid: number | undefined, account: Account | undefined): Promise<void> => {
  const status = await lstat(root)
  if (!status.isDirectory() || status.uid !== uid) return
  const folder = describeFolder(root, await findAccountForData(root, account), true)
  const owner = await readOwner(folder)
  const life = owner ? await findLife(owner) : Date.now() - status.mtimeMs > ownerlessMs ? 'dead' : 'unknown'
  if (life === 'dead' && (await endPostmaster(folder))) await releaseFolder(folder)
}

/** Creates a folder and its missing parents; returns whether it created any. The recursive `mkdir` never ends in /proc. */
const makeFolders = async (path: string): Promise<boolean> => {
  try {
    await mkdir(path, { mode: 0o755 })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    if (!hasCode(error, 'ENOENT') || dirname(path) === path || !(await makeFolders(dirname(path)))) throw error
    return makeFolders(path)
  }
}
