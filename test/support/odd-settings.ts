import type { TestDatabase } from './database.js'

/** Settings that some databases and roles have, and that change what the server writes, finds, orders or waits for. */
const SETTINGS: readonly string[] = [
  `datestyle = 'German, DMY'`,
  `intervalstyle = 'sql_standard'`,
  `timezone = 'Asia/Tokyo'`,
  'extra_float_digits = -15',
  `bytea_output = 'escape'`,
  `xmlbinary = 'hex'`,
  `xmloption = 'document'`,
  'quote_all_identifiers = on',
  'standard_conforming_strings = off',
  'escape_string_warning = on',
  'backslash_quote = off',
  'array_nulls = off',
  'transform_null_equals = on',
  `search_path = 'nowhere'`,
  'row_security = off',
  `client_min_messages = 'error'`,
  `default_transaction_isolation = 'serializable'`,
  'default_transaction_deferrable = on',
  `statement_timeout = '90s'`,
  `idle_in_transaction_session_timeout = '90s'`,
  `idle_session_timeout = '90s'`,
]

/** Gives the database all of them at once; sessions that are open keep theirs. */
export const withOddSettings = async (database: TestDatabase, more: readonly string[] = []): Promise<void> => {
  for (const setting of [...SETTINGS, ...more]) await database.query(`ALTER DATABASE "${database.name}" SET ${setting}`)
}
