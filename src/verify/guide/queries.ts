import { InvalidSql, splitStatements, type Statement } from '../../migrations/ledger/split-statements.js'
import type { Fence } from './markdown.js'

/** One query of a fence. */
export interface GuideQuery {
  readonly sql: string
  /** Position in the text of the fence, in characters from 0. */
  readonly offset: number
  /** Whether the query itself has an ORDER BY. */
  readonly isOrdered: boolean
}

/** The queries of a fence, why it is not run, or why it is not SQL. */
export type FenceContent =
  | { readonly kind: 'queries'; readonly queries: readonly GuideQuery[] }
  | { readonly kind: 'other'; readonly reason: string }
  | { readonly kind: 'invalid'; readonly message: string; /** In characters from 1. */ readonly position: number }

export const textOf = ({ lines }: Fence): string => lines.map(({ text }) => text).join('\n')

/** Decides with PostgreSQL's own parser whether a fence contains queries and nothing else. */
export const readQueries = async (fence: Fence): Promise<FenceContent> => {
  const text = textOf(fence)
  let statements: readonly Statement[]
  try {
    statements = await splitStatements(text)
  } catch (error) {
    if (!(error instanceof InvalidSql)) throw error
    return invalid(text, error)
  }
  const reason = statements.map(whyNotRun).find((why) => why !== undefined)
  if (statements.length === 0) return { kind: 'other', reason: 'no statement' }
  if (reason !== undefined) return { kind: 'other', reason }
  return {
    kind: 'queries',
    queries: statements.map(({ sql, offset, node }) => ({ sql, offset, isOrdered: isOrdered(node) })),
  }
}

const invalid = (text: string, { message, position }: InvalidSql): FenceContent => {
  const rest = Array.from(text).slice(position).join('')
  if (message.endsWith(String.raw`near "\"`))
    return { kind: 'other', reason: `a command of psql: ${/^\\\S*/.exec(rest)?.[0] ?? '\\'}` }
  return { kind: 'invalid', message, position: (position ?? 0) + 1 }
}

const isOrdered = (node: Statement['node']): boolean =>
  'SelectStmt' in node && node.SelectStmt.sortClause !== undefined && node.SelectStmt.sortClause.length > 0

/** Undefined for a query that reads and does nothing else. */
const whyNotRun = ({ node, sql }: Statement): string | undefined => {
  if (!('SelectStmt' in node)) return `${commandOf(sql)} is not a query`
  for (const [key, value] of partsOf(node.SelectStmt)) {
    if (key === 'intoClause') return 'SELECT INTO creates a table'
    if (key === 'lockingClause') return 'it locks rows'
    const change = CHANGES[key]
    if (change !== undefined) return `${change} in WITH changes data`
    const acting = key === 'funcname' ? actingFunction(value) : undefined
    if (acting !== undefined) return `${acting}() acts on the server or the session`
  }
  return undefined
}

const commandOf = (sql: string): string =>
  (/^(?:\s|--.*(?:\n|$)|\/\*[^]*?\*\/)*([a-z]+)/i.exec(sql)?.[1] ?? 'this statement').toUpperCase()

const CHANGES: Readonly<Record<string, string>> = {
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
}

/** All properties of a tree, with those of its parts. */
function* partsOf(value: unknown): Generator<readonly [key: string, value: unknown]> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, part] of Object.entries(value)) {
    yield [key, part]
    yield* partsOf(part)
  }
}

// A read-only transaction does not stop these, nor is SQL in a string recognised. The list protects from a step of a runbook that is taken for a check; it is no
// barrier: a function of the application may call any of them.
const ACTING = new RegExp(
  `^(?:${[
    'pg_(?:terminate|cancel)_backend',
    'pg_(?:reload_conf|rotate_logfile|promote|switch_wal|create_restore_point|log_\\w+|import_\\w+)',
    'pg_(?:backup|wal_replay)_(?:start|stop|pause|resume)|pg_(?:start|stop)_backup',
    'pg_(?:create|drop|copy|sync)_\\w*replication_slots?|pg_replication_(?:slot_advance|origin_\\w+)',
    'pg_logical_(?:slot_get_\\w+|emit_message)',
    'pg_stat_reset\\w*|pg_stat_statements_reset|pg_(?:clear|restore)_\\w+_stats',
    'pg_(?:try_)?advisory_\\w+',
    'pg_notify|pg_file_\\w+|pg_prewarm|dblink\\w*',
    'brin_(?:de)?summarize_\\w+|gin_clean_pending_list|heap_force_\\w+',
    '(?:query|table|cursor|schema|database)_to_xml\\w*|ts_stat|ts_rewrite',
    'pg_export_snapshot|set_config|setseed|pg_stat_force_next_flush',
    'lo_(?:create?|export|from_bytea|import|open|put|truncate\\w*|unlink)',
  ].join('|')})$`,
)

const actingFunction = (funcname: unknown): string | undefined => {
  const name = JSON.stringify(funcname)
  const last = /"sval":"((?:[^"\\]|\\.)*)"\}\}\]$/.exec(name)?.[1]
  return last !== undefined && ACTING.test(last) ? last : undefined
}
