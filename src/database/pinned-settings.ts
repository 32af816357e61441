/** The value of a setting; where it is a pair, the second is the condition, as SQL, under which it is set. */
type Value = string | readonly [value: string, condition: string]

type Settings = Readonly<Record<string, Value>>

/**
 * Settings that a database, a role or a pooler's earlier user may have changed, and on which the text of values and the names
 * of objects depend. The values are those of pg_dump.
 */
const TEXT: Settings = {
  // Nothing is found by chance: every name is qualified.
  search_path: '',
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  xmlbinary: 'base64',
  xmloption: 'content',
  standard_conforming_strings: 'on',
  escape_string_warning: 'off',
  backslash_quote: 'safe_encoding',
  quote_all_identifiers: 'off',
  array_nulls: 'on',
  transform_null_equals: 'off',
  client_min_messages: 'warning',
}

/** The server refuses a query instead of hiding rows from it. */
const ROWS: Settings = { row_security: 'off' }

/** How a session begins its transactions, and what must not end it: no value that it reads or writes depends on these. */
const COURSE: Settings = {
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  // Since PostgreSQL 17.
  transaction_timeout: '0',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // Ends the statement of a client that is gone. Other systems may refuse any value but 0.
  client_connection_check_interval: ['10s', `pg_catalog.version() OPERATOR(pg_catalog.~~) '%linux%'`],
}

/** How long a statement may wait and run; what must end in time sets its own limits. */
const PATIENCE: Settings = { statement_timeout: '0', lock_timeout: '0' }

// Other values than off are somebody's choice of what a commit waits for. Not pinned where verify reads the setting.
const COMMIT: Settings = {
  synchronous_commit: ['on', `pg_catalog.current_setting('synchronous_commit') OPERATOR(pg_catalog.=) 'off'`],
}

const PINNED = {
  /** For everything that reads or writes what others must be able to trust. */
  all: { ...TEXT, ...ROWS, ...COURSE, ...PATIENCE },
  /** For what reads as the application does: the policies of row-level security hold. */
  text: { ...TEXT, ...COURSE, ...PATIENCE },
  /** For what writes every row: triggers of the application run in it, which may need the settings of its role or database. */
  rows: { ...ROWS, ...COURSE, ...PATIENCE, ...COMMIT },
  /**
   * For what writes as the application does: its triggers and its policies have the settings of its role or database. Its
   * shorter time-outs hold as well: the store repeats what they ended, and without the message whose trigger hangs.
   */
  course: { ...COURSE, ...COMMIT },
} satisfies Readonly<Record<string, Settings>>

/** Which settings of a session are ours. */
export type Pins = keyof typeof PINNED

const limitOf = (pins: Pins, limitMs: number): Value => {
  if (pins !== 'course') return String(limitMs)
  const own = `pg_catalog.current_setting('statement_timeout')::pg_catalog.interval OPERATOR(pg_catalog.`
  return [String(limitMs), `(${own}=) '0' OR ${own}>) '${limitMs} ms')`]
}

/**
 * One statement that pins the settings, in any session: it finds nothing through the search path. It returns one row.
 * @param isLocal SQL
 * @param columns further ones, as SQL
 */
const pin = (settings: Settings, isLocal: string, columns = ''): string => {
  const rows = Object.entries(settings).map(([name, value]) => {
    const [text, condition] = typeof value === 'string' ? [value, 'true'] : value
    return `('${name}', '${text}', ${condition})`
  })
  return `SELECT pg_catalog.count(pg_catalog.set_config(s.name, s.value, ${isLocal})) AS "pinned"${columns === '' ? '' : `, ${columns}`}
    FROM (VALUES ${rows.join(', ')}) AS s (name, value, wanted)
    WHERE s.wanted AND pg_catalog.current_setting(s.name, true) IS NOT NULL`
}

/**
 * The statement that pins the settings of a new session. Behind a pooler, which sends process ids of its own, they are local
 * to the statement, and so never reach another client.
 */
export const pinSession = (pins: Pins, statementTimeoutMs: number, processId: number, columns?: string): string =>
  pin(
    { ...PINNED[pins], statement_timeout: limitOf(pins, statementTimeoutMs) },
    `pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.<>) ${processId}`,
    columns,
  )

/** The statement that pins the settings again, in a session of its own where SQL of others may have set some. */
export const pinSessionAgain = (pins: Pins, statementTimeoutMs: number): string =>
  pin({ ...PINNED[pins], statement_timeout: limitOf(pins, statementTimeoutMs) }, 'false')

/** The statement that pins the settings for a transaction, which works behind a transaction pooler. */
export const pinTransaction = (pins: Pins): string => pin(PINNED[pins], 'true')

/** The statements that give a transaction the role's own settings again. */
export const unpinTransaction = (): readonly string[] =>
  Object.keys({ ...TEXT, ...ROWS }).map((name) => `SET LOCAL ${name} TO DEFAULT`)

/** Settings of a script: those with a condition are left to the session that runs it. */
const ofScript = (majorVersion: number): readonly (readonly [name: string, value: string])[] =>
  Object.entries<Value>(PINNED.all).flatMap(([name, value]) =>
    typeof value !== 'string' || (name === 'transaction_timeout' && majorVersion < 17) ? [] : [[name, value]],
  )

/** The statements with which a script pins the settings of the session or transaction that runs it. */
export const pinInScript = (scope: 'SESSION' | 'LOCAL', majorVersion: number): readonly string[] =>
  ofScript(majorVersion).map(([name, value]) => `SET ${scope} ${name} = '${value}'`)

/** The statements that give the session its own settings again. */
export const unpinInScript = (majorVersion: number): readonly string[] =>
  ofScript(majorVersion).map(([name]) => `RESET ${name}`)
