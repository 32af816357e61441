import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { OperatorError } from '../../errors.js'
import { fileFailure } from '../../file-reason.js'
import { packageRoot } from '../../package-root.js'
import { encodingMistake } from './decode-sql.js'

/** A migration as postgres-migrations reads it. Id 0 is the library's own migration, which creates the history table. */
export interface MigrationFile {
  readonly id: number
  readonly name: string
  readonly fileName: string
  readonly sql: string
  /** SHA-1 of file name and content, as stored in the history. */
  readonly hash: string
}

const FILE_NAME = /^(\d+)_([a-z0-9]+(?:-[a-z0-9]+)*)\.sql$/
const HISTORY_NAME_LIMIT = 100

/** The folder of the migrations that ship with chatkeep. */
export const shippedMigrations = (): string => join(packageRoot(), 'migrations')

/** The title of a migration on screen: its file name without extension, such as `2_allow-guest-messages`. */
export const migrationTitle = ({ id, name }: { readonly id: number; readonly name: string }): string => `${id}_${name}`

/** Whether the file runs in a transaction. CREATE INDEX CONCURRENTLY cannot; the library looks for the same marker. */
export const runsInTransaction = ({ sql }: Pick<MigrationFile, 'sql'>): boolean =>
  !sql.includes('-- postgres-migrations disable-transaction')

/**
 * Reads the migrations of a folder, starting with the library's own.
 * @throws OperatorError `invalid_migration_files` listing every mistake: name, gap, duplicate number, encoding, CRLF
 */
export const readMigrationFiles = async (folder: string): Promise<readonly MigrationFile[]> => {
  const names = (await listFolder(folder)).filter((name) => /\.(sql|js)$/i.test(name))
  const contents = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
  )
  const mistakes = [
    ...names.flatMap((name) => fileMistakes(name, contents.get(name) ?? Buffer.of())),
    ...orderMistakes(names),
  ]
  if (mistakes.length > 0) {
    throw new OperatorError('invalid_migration_files', `the migrations in ${folder} are invalid`, {
      details: mistakes,
    })
  }
  const { loadMigrationFiles } = await import('postgres-migrations')
  const files = await loadMigrationFiles(folder)
  return files.map(({ id, name, fileName, sql, hash }) => ({ id, name, fileName, sql, hash }))
}

/** A migration with the SQL of its file in `rollback/`. */
export interface RollbackScript {
  readonly file: MigrationFile
  readonly sql: string
}

/**
 * Reads the rollback files of these migrations.
 * @throws OperatorError `no_way_back` when `rollback/` has no file of that name, `invalid_migration_files` when it is not text
 */
export const readRollbackScripts = (
  folder: string,
  files: readonly MigrationFile[],
): Promise<readonly RollbackScript[]> =>
  Promise.all(files.map(async (file) => ({ file, sql: await readRollbackFile(folder, file) })))

const readRollbackFile = async (folder: string, { fileName }: MigrationFile): Promise<string> => {
  const path = join(folder, 'rollback', fileName)
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new OperatorError('no_way_back', `${fileName} cannot be rolled back: ${path} cannot be read`, { cause })
  })
  const text = bytes.toString('utf8')
  const mistake = encodingMistake(`rollback/${fileName}`, bytes, text)
  if (mistake === undefined) return text
  throw new OperatorError('invalid_migration_files', `${fileName} cannot be rolled back; nothing was changed`, {
    details: [mistake],
  })
}

const listFolder = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder)
  } catch (cause) {
    throw new OperatorError(
      'invalid_migration_files',
      `the migrations folder ${folder} cannot be read: ${fileFailure(cause as Error)}`,
      { cause },
    )
  }
}

const fileMistakes = (fileName: string, bytes: Buffer): readonly string[] => {
  const content = bytes.toString('utf8')
  const [, , name] = FILE_NAME.exec(fileName) ?? []
  const mistakes: string[] = []
  if (name === undefined) mistakes.push(`${fileName}: expected a name such as 13_verb-object.sql`)
  else if (name.length > HISTORY_NAME_LIMIT)
    mistakes.push(`${fileName}: the name is longer than ${HISTORY_NAME_LIMIT} characters`)
  const mistake = encodingMistake(fileName, bytes, content)
  if (mistake !== undefined) mistakes.push(mistake)
  if (content.includes('\r\n')) {
    mistakes.push(
      `${fileName}: has CRLF line endings, which change its hash; check it out with LF (git add --renormalize, or .gitattributes: *.sql eol=lf)`,
    )
  }
  return mistakes
}

const orderMistakes = (fileNames: readonly string[]): readonly string[] => {
  const named = fileNames.flatMap((fileName) => {
    const [, id, name] = FILE_NAME.exec(fileName) ?? []
    return id === undefined || name === undefined ? [] : [{ id: Number(id), name, fileName }]
  })
  const sorted = named.toSorted((a, b) => a.id - b.id)
  const misnumbered = sorted.find(({ id }, index) => id !== index + 1)
  const duplicate = sorted.find(({ name }, index) => sorted.findIndex((other) => other.name === name) !== index)
  return [
    ...(misnumbered === undefined
      ? []
      : [`${misnumbered.fileName}: numbers must run 1, 2, 3, … without gaps or duplicates`]),
    ...(duplicate === undefined
      ? []
      : [`${duplicate.fileName}: another file has the same name with a different number`]),
  ]
}
