import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { constants, lstat, open, readdir, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { ExitCode, OperatorError } from './errors.js'
import { hasCode } from './file-reason.js'
import { shellWord } from './shell-word.js'

/**
 * `create`: the file must not exist. `append`: it is created if it does not, and closed to others if it does. `update` and
 * `read`: it must exist; its mode stays, since it may turn out to be something else.
 */
export type PrivateAccess = 'create' | 'append' | 'update' | 'read'

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } = constants
// Windows has neither flag, and undefined counts as 0 here. A FIFO opened with O_NONBLOCK does not wait for its other end.
const SAFE = constants.O_NOFOLLOW | constants.O_NONBLOCK

const FLAGS: Readonly<Record<PrivateAccess, number>> = {
  create: O_RDWR | O_CREAT | O_EXCL | SAFE,
  append: O_WRONLY | O_APPEND | O_CREAT | SAFE,
  update: O_RDWR | SAFE,
  read: O_RDONLY | SAFE,
}

/**
 * Opens a file with personal data, or one that decides what is done: readable only by its owner (0600), and its owner is
 * the user of this process. Symbolic links are not followed, nor are files with a second name, whose other name somebody
 * else may have chosen. Everything is checked on the open file, so the path may change meanwhile without effect.
 * @param otherOwner an account that may own the file, too, as that of a server which root starts
 * @throws OperatorError `file_not_private`; other errors of the file system as they are
 */
export const openPrivateFile = async (
  path: string,
  access: PrivateAccess,
  otherOwner?: { readonly uid: number },
): Promise<FileHandle> => {
  await refuseOpenFolder(path)
  const file = await open(path, FLAGS[access], 0o600).catch((error: unknown) => {
    throw hasCode(error, 'ELOOP', 'EMLINK') ? notPrivate(path, 'is a symbolic link') : error
  })
  try {
    await refuseForeign(file, path, access, otherOwner?.uid)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/**
 * Replaces a private file: a crash leaves either the old content or the new one.
 * @param write writes the new content to a draft, whose name nobody can guess; the draft is synced and renamed afterwards
 * @returns the new file, open for reading and writing
 */
export const replacePrivateFile = async (
  path: string,
  write: (draft: FileHandle) => Promise<void>,
): Promise<FileHandle> => {
  const draft = `${path}.${randomBytes(8).toString('hex')}${DRAFT}`
  const file = await openPrivateFile(draft, 'create')
  try {
    await write(file)
    await file.sync()
    await rename(draft, path)
    return file
  } catch (error) {
    await file.close()
    await rm(draft, { force: true })
    throw error
  }
}

/** Reads a private file, as `openPrivateFile` opens it. */
export const readPrivateFile = async (path: string, otherOwner?: { readonly uid: number }): Promise<string> => {
  const file = await openPrivateFile(path, 'read', otherOwner)
  return file.readFile('utf8').finally(() => file.close())
}

/**
 * Reads a secret from a file of our own that nobody else may read, or from one of root's that only a group may read, as
 * volumes of containers have it. A link is followed if we or root made it.
 * @throws OperatorError `file_not_private`; other errors of the file system as they are
 */
export const readSecretFile = async (path: string): Promise<string> => {
  await refuseForeignLink(path)
  const file = await openPrivateFile(await realpath(path), 'read', { uid: 0 })
  try {
    const { mode, uid } = await file.stat()
    const own = ownUserId()
    const isOpen = own !== undefined && (mode & (uid === own ? OTHERS_MAY_USE : EVERYBODY_MAY_USE)) !== 0
    if (isOpen) throw notPrivate(path, 'may be read by other users', `chmod 600 ${shellWord(path)}`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** Removes the drafts that a killed process left. Only for the one who holds the lock of the file. */
export const removeDrafts = async (path: string): Promise<void> => {
  const names = await readdir(dirname(path))
  const isDraft = (name: string): boolean =>
    name.startsWith(`${basename(path)}.`) && /^[0-9a-f]{16}\.draft$/.test(name.slice(basename(path).length + 1))
  await Promise.all(names.filter(isDraft).map((name) => rm(join(dirname(path), name), { force: true })))
}

/** The user of this process; undefined on Windows. Works without a name for the user, as in containers. */
export const ownUserId = (): number | undefined => {
  try {
    const { uid } = userInfo()
    return uid < 0 ? undefined : uid
  } catch {
    return statSync('/proc/self').uid
  }
}

const DRAFT = '.draft'
const OTHERS_MAY_USE = 0o077
const EVERYBODY_MAY_USE = 0o007
const OTHERS_MAY_WRITE = 0o002
const STICKY = 0o1000

const refuseForeign = async (
  file: FileHandle,
  path: string,
  access: PrivateAccess,
  otherOwner: number | undefined,
): Promise<void> => {
  const own = ownUserId()
  if (own === undefined) return
  const status = await file.stat()
  const { mode, nlink, uid } = status
  if (!status.isFile()) throw notPrivate(path, 'is not a regular file')
  if (uid !== own && uid !== otherOwner) throw notPrivate(path, `belongs to another user (uid ${uid})`)
  // A file that is updated in place is recognised by its content first; a journal has two names while it is made.
  if (access === 'append' && nlink > 1) throw notPrivate(path, 'has a second name (a hard link)')
  if (access === 'append' && (mode & OTHERS_MAY_USE) !== 0) await file.chmod(0o600)
  if (access === 'read' && (mode & OTHERS_MAY_WRITE) !== 0) throw notPrivate(path, 'may be written by every user')
}

// In such a folder anybody may exchange the file for another. Members of a group that may write are trusted.
const refuseOpenFolder = async (path: string): Promise<void> => {
  if (ownUserId() === undefined) return
  const folder = dirname(path)
  const { mode } = await stat(folder)
  if ((mode & OTHERS_MAY_WRITE) === 0 || (mode & STICKY) !== 0) return
  throw new OperatorError('file_not_private', `every user may write to ${folder}, so ${path} would not be safe there`, {
    hint: `chmod o-w ${shellWord(folder)}, or name a file in another folder`,
    exitCode: ExitCode.refused,
  })
}

/**
 * Changes mode and owner of a folder that this process has just made. It is opened first, without following a link: in
 * another user's folder a link may have taken its place.
 */
export const changeFolder = async (
  path: string,
  { mode, uid, gid }: { readonly mode?: number; readonly uid?: number; readonly gid?: number },
): Promise<void> => {
  const folder = await open(path, O_RDONLY | constants.O_DIRECTORY | SAFE)
  try {
    const status = await folder.stat()
    const own = ownUserId()
    if (own !== undefined && status.uid !== own) throw notPrivate(path, `belongs to another user (uid ${status.uid})`)
    if (mode !== undefined) await folder.chmod(mode)
    if (uid !== undefined && gid !== undefined) await folder.chown(uid, gid)
  } finally {
    await folder.close()
  }
}

/**
 * Follows a symbolic link that the user of this process, or root, has made; another user's link is refused.
 * @throws OperatorError `file_not_private`
 */
export const refuseForeignLink = async (path: string): Promise<void> => {
  const own = ownUserId()
  const status = await lstat(path)
  if (own === undefined || !status.isSymbolicLink() || status.uid === own || status.uid === 0) return
  throw notPrivate(path, `is a symbolic link of another user (uid ${status.uid})`)
}

const notPrivate = (path: string, reason: string, hint = 'name another file, in a folder of your own'): OperatorError =>
  new OperatorError('file_not_private', `${path} ${reason}, so it is not used`, {
    hint,
    exitCode: ExitCode.refused,
  })
