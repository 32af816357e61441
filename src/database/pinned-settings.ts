/**
 * Settings that a database, a role or a pooler's earlier user may have changed, and on which the text of values, the names of
 * objects, or chatkeep's patience depend. Pinned in every session of chatkeep's commands, as pg_dump does.
 */
const PINNED: readonly (readonly [name: string, value: string])[] = [
  // Nothing is found by chance: every name is qualified.
  ['search_path', `''`],
  ['TimeZone', `'UTC'`],
  ['DateStyle', `'ISO, MDY'`],
  ['IntervalStyle', `'postgres'`],
  ['extra_float_digits', '1'],
  ['bytea_output', `'hex'`],
  ['xmlbinary', `'base64'`],
  ['standard_conforming_strings', 'on'],
  ['quote_all_identifiers', 'off'],
  ['statement_timeout', '0'],
  ['lock_timeout', '0'],
  ['idle_in_transaction_session_timeout', '0'],
]

/** Time-outs that only newer servers have. */
const NEWER_TIMEOUTS = ['idle_session_timeout', 'transaction_timeout']

/**
 * The statements that pin the settings, for one round trip.
 * @param scope `transaction` works behind a transaction pooler and does not outlive the transaction
 */
export const pinSettings = (scope: 'session' | 'transaction'): readonly string[] => [
  ...PINNED.map(([name, value]) => `SET ${scope === 'session' ? 'SESSION' : 'LOCAL'} ${name} = ${value}`),
  ...NEWER_TIMEOUTS.map(
    (name) =>
      `SELECT pg_catalog.set_config('${name}', '0', ${scope === 'transaction'}) WHERE pg_catalog.current_setting('${name}', true) IS NOT NULL`,
  ),
]
