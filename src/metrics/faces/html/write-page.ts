import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ExitCode, OperatorError } from '../../../errors.js'
import { hasCode } from '../../../file-reason.js'
import { ownUserId, replacePrivateFile } from '../../../private-file.js'

/**
 * Writes a page to a file that only its owner can read. An older one is replaced at once: nobody sees half a page.
 * @throws OperatorError `file_not_private` if something else than a file of the user is there
 */
export const writePage = async (path: string, cwd: string, page: string): Promise<void> => {
  const file = resolve(cwd, path)
  await refuseOther(file, path)
  const written = await replacePrivateFile(file, (draft) => draft.writeFile(page))
  await written.close()
}

const refuseOther = async (file: string, path: string): Promise<void> => {
  const status = await lstat(file).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  const reason = status === undefined ? undefined : reasonToKeep(status)
  if (reason === undefined) return
  throw new OperatorError('file_not_private', `${path} ${reason}, so it is not replaced`, {
    hint: 'name another file, or write the page to stdout: --html -',
    exitCode: ExitCode.refused,
  })
}

const reasonToKeep = (status: Stats): string | undefined => {
  if (!status.isFile()) return 'is not a regular file'
  const own = ownUserId()
  return own === undefined || status.uid === own ? undefined : `belongs to another user (uid ${status.uid})`
}
