import { ExitCode, OperatorError } from '../../errors.js'
import { fitLine } from '../../terminal/wrap.js'
import { runsInTransaction } from '../ledger/migration-files.js'
import { oneLine } from '../../database/waiting/one-line.js'
import { InvalidSql, splitStatements, type Statement } from '../ledger/split-statements.js'
import { locate, sourceLines } from './source-place.js'
import { READS_CLIENT, readsClient, unfitStatement, type Unfit } from './unfit-statement.js'

/** A file with statements, under the name that the reader knows. */
export interface SqlFile {
  /** Such as `migrations/3_index-guest-username.sql`. */
  readonly file: string
  readonly sql: string
}

/**
 * Splits a file into statements, and refuses it when one of them cannot be used in it.
 * @throws OperatorError `invalid_migration_files` when the file is not valid SQL, `unfit_statement` (exit 5) naming each
 *   statement with line and column
 */
export const splitFile = async (source: SqlFile, signal?: AbortSignal): Promise<readonly Statement[]> => {
  const statements = await parseFile(source, signal)
  const inTransaction = runsInTransaction(source)
  const found = statements.flatMap((statement): readonly Found[] => {
    const unfit = unfitStatement(statement, inTransaction)
    return unfit === undefined ? [] : [{ statement, unfit }]
  })
  const [first, ...others] = found
  if (first !== undefined) throw refused(source, first, others)
  return statements
}

interface Found {
  readonly statement: Pick<Statement, 'sql' | 'offset'>
  readonly unfit: Unfit
}

const LONGEST = 60
const MOST_SHOWN = 10

const refused = ({ file, sql }: SqlFile, { statement, unfit }: Found, others: readonly Found[]): OperatorError => {
  const place = locate(sql, statement.offset + 1)
  const also = others.slice(0, MOST_SHOWN).map((other) => {
    const { line, column } = locate(sql, other.statement.offset + 1)
    return `also at ${line}:${column}: ${nameOf(other)}`
  })
  const more = others.length - also.length
  return new OperatorError(
    'unfit_statement',
    `${file}:${place.line}:${place.column}: ${nameOf({ statement, unfit })} cannot be used in this file: ${unfit.why}; nothing was changed`,
    {
      exitCode: ExitCode.refused,
      details: [...sourceLines(place), ...also, ...(more > 0 ? [`and ${more} more`] : [])],
      hint: [...new Set([unfit, ...others.map((other) => other.unfit)].map(({ instead }) => instead))],
    },
  )
}

const nameOf = ({ statement }: Found): string => fitLine(oneLine(statement.sql), LONGEST)

const parseFile = async (source: SqlFile, signal: AbortSignal | undefined): Promise<readonly Statement[]> => {
  try {
    return await splitStatements(source.sql, signal)
  } catch (error) {
    throw error instanceof InvalidSql ? await explain(source, error) : error
  }
}

const explain = async ({ file, sql }: SqlFile, cause: InvalidSql): Promise<OperatorError> => {
  const { message, position } = cause
  const code = 'invalid_migration_files'
  if (position === undefined) return new OperatorError(code, `${file} is not valid SQL: ${message}`, { cause })
  const copy = await copyBefore(sql, position)
  if (copy !== undefined) return refused({ file, sql }, { statement: copy, unfit: READS_CLIENT }, [])
  const place = locate(sql, position + 1)
  return new OperatorError(code, `${file}:${place.line}:${place.column} is not valid SQL: ${message}`, {
    cause,
    details: sourceLines(place),
    hint: message.endsWith(String.raw`near "\"`) ? PSQL_COMMANDS : undefined,
  })
}

const PSQL_COMMANDS = String.raw`commands of psql, such as \i or \gexec, are not SQL: write the statements themselves`

// The rows behind COPY … FROM stdin, which psql would send, are not SQL.
const copyBefore = async (sql: string, position: number): Promise<Statement | undefined> => {
  try {
    const last = (await splitStatements(Array.from(sql).slice(0, position).join(''))).at(-1)
    return last !== undefined && readsClient(last.node) ? last : undefined
  } catch {
    // The error is within a statement.
    return undefined
  }
}
