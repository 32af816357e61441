import { closeSync, fstatSync, lstatSync, type Stats } from 'node:fs'
import { OperatorError } from './errors.js'
import { fileFailure } from './file-reason.js'
import { ownUserId } from './private-file.js'
import { openNamedFile, readNamedFile, readOpenFile } from './read-named-file.js'

/** A settings file that nobody named, or why it is ignored. */
export type FoundFile = { readonly text: string } | { readonly ignored: string }

/**
 * Reads a settings file that merely lies in the working directory: only one that this user or root wrote.
 * @param flag that names such a file
 * @param code of the error
 * @returns undefined if there is none
 * @throws OperatorError if it cannot be read
 */
export const readFoundFile = (path: string, flag: string, code: string): FoundFile | undefined =>
  orUnreadable(path, code, () => {
    const link = lstatSync(path, { throwIfNoEntry: false })
    if (link === undefined) return undefined
    const file = openNamedFile(path)
    try {
      const strange = [link, fstatSync(file)].map(strangeness).find((reason) => reason !== undefined)
      if (strange === undefined) return { text: readOpenFile(file, path).toString('utf8') }
      return { ignored: `${path} is ignored: ${strange}; name it with ${flag} to use it` }
    } finally {
      closeSync(file)
    }
  })

/** Reads a settings file that a flag names. @param code of the error @throws OperatorError if it cannot be read */
export const readSettingsFile = (path: string, code: string): string =>
  orUnreadable(path, code, () => readNamedFile(path).toString('utf8'))

const orUnreadable = <T>(path: string, code: string, read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    // Node's file system throws nothing but errors.
    throw new OperatorError(code, `${path} cannot be read: ${fileFailure(cause as Error)}`, { cause })
  }
}

const OTHERS_MAY_WRITE = 0o002

const strangeness = (status: Stats): string | undefined => {
  const own = ownUserId()
  if (own === undefined) return undefined
  if (status.uid !== own && status.uid !== 0) return `it belongs to another user (uid ${status.uid})`
  const isOpen = !status.isSymbolicLink() && (status.mode & OTHERS_MAY_WRITE) !== 0
  return isOpen ? 'every user may write to it' : undefined
}
