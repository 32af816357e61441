import { readFileSync, statSync, type Stats } from 'node:fs'
import { ownUserId } from '../../private-file.js'
import { shellWord } from '../../shell-word.js'
import { SOCKET_FOLDERS, type Host } from './hosts.js'

export interface PasswordFile {
  /** The password for a database on a host, by the first line that fits. */
  readonly find: (host: Host, database: string, user: string) => string | undefined
  /** Why the file is not used, if it is there. */
  readonly warning?: string
}

const OTHERS_MAY_USE = 0o077
const NOTHING: PasswordFile = { find: () => undefined }

/** Reads a password file (`~/.pgpass`), by libpq's rules. */
export const readPasswordFile = (path: string): PasswordFile => {
  const status = statusOf(path)
  if (status === undefined) return NOTHING
  if (!status.isFile()) return { ...NOTHING, warning: `the password file ${path} is ignored: it is not a regular file` }
  if (ownUserId() !== undefined && (status.mode & OTHERS_MAY_USE) !== 0)
    return {
      ...NOTHING,
      warning: `the password file ${path} is ignored: other users may read it; chmod 600 ${shellWord(path)}`,
    }
  const lines = linesOf(path)
  return {
    find: (host, database, user) => {
      const rest = [String(host.port), database, user]
      const fits = ([first = '', ...others]: readonly string[]): boolean =>
        [host.host, ...(isUsualHost(host) ? ['localhost'] : [])].some((name) => matches(first, name)) &&
        rest.every((value, index) => matches(others[index] ?? '', value))
      const password = lines.find(fits)?.[4]?.replace(/\\(.)/g, '$1')
      return password === '' ? undefined : password
    },
  }
}

// As libpq, which takes a file that it cannot find for none.
const statusOf = (path: string): Stats | undefined => {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

const FIELD = String.raw`((?:\\.|[^:\\])*)`
const LINE = new RegExp(`^${Array(5).fill(FIELD).join(':')}`)

const linesOf = (path: string): readonly (readonly string[])[] => {
  try {
    return readFileSync(path, 'utf8')
      .split(/\r?\n/)
      .filter((line) => !line.startsWith('#'))
      .map((line) => LINE.exec(line))
      .flatMap((fields) => (fields === null ? [] : [fields.slice(1)]))
  } catch {
    // libpq says nothing of a file that it cannot read either.
    return []
  }
}

const isUsualHost = ({ host }: Host): boolean => SOCKET_FOLDERS.includes(host)

const matches = (pattern: string, value: string): boolean =>
  pattern === '*' || pattern.replace(/\\(.)/g, '$1') === value
