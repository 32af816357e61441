import { connect, createPool, disconnect } from '../../../src/database/connection.js'
import { parseDatabaseUrl, toConnectionTarget } from '../../../src/database/connection-target.js'
import type { Pins } from '../../../src/database/pinned-settings.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { withOddSettings } from '../../support/odd-settings.js'
import { withSmallPooler } from '../../support/small-pooler.js'

/** Time-outs that a session may set, and ours leave alone. */
const NOT_PINNED: Readonly<Record<string, string>> = {
  tcp_user_timeout: 'about packets that nobody acknowledges: it ends no session whose two ends live',
  wal_sender_timeout: 'about sessions of replication, which ours are not',
}

/** What a pool leaves alone, too. */
const OF_ROLE: Readonly<Record<string, string>> = {
  lock_timeout: 'the store repeats what it ended',
  statement_timeout: 'a shorter one than the limit of the pool holds',
}

const targetOf = (url: string) => toConnectionTarget(parseDatabaseUrl(url, 'databaseUrl'))

const SELECT_ALL = `SELECT name, setting, source, context FROM pg_settings`

interface Setting {
  readonly name: string
  readonly setting: string
  readonly source: string
  readonly context: string
}

const settingsOf = async (url: string, pins: Pins, statementTimeoutMs?: number): Promise<Map<string, Setting>> => {
  const client = await connect(targetOf(url), { applicationName: 'chatkeep', pins, statementTimeoutMs })
  const { rows } = await client.query<Setting>(SELECT_ALL)
  await disconnect(client)
  return new Map(rows.map((row) => [row.name, row]))
}

/** The settings that the session has made itself. */
const pinned = (settings: Map<string, Setting>): readonly string[] =>
  [...settings.values()].flatMap(({ name, setting, source }) => (source === 'session' ? [`${name} = ${setting}`] : []))

const withTimeouts = (database: TestDatabase): Promise<void> =>
  withOddSettings(database, [`lock_timeout = '90s'`, `statement_timeout = '90s'`])

describe('a session of ours', () => {
  test('has none of the time-outs of its role or database that may end it', async ({ database }) => {
    await withTimeouts(database)
    for (const pins of ['all', 'text', 'rows', 'course'] as const) {
      const timeouts = [...(await settingsOf(database.url, pins)).values()].filter(
        ({ name, context }) => name.endsWith('_timeout') && context === 'user',
      )
      const left = { ...NOT_PINNED, ...(pins === 'course' ? OF_ROLE : {}) }
      const isPinned = ({ setting, source }: Setting): boolean => source === 'session' && setting === '0'
      expect(timeouts.length).toBeGreaterThan(5)
      expect(timeouts.filter((one) => left[one.name] === undefined && !isPinned(one))).toEqual([])
    }
  })

  test('reads and writes values as pg_dump does, or as the application where its triggers run', async ({
    database,
  }) => {
    await withTimeouts(database)
    const names = [...(await settingsOf(database.url, 'all'))]
      .flatMap(([name, { source }]) => (source === 'session' ? [name] : []))
      .filter((name) => !/timeout$|^default_|^client_connection/.test(name))
    expect(names.toSorted()).toEqual([
      'DateStyle',
      'IntervalStyle',
      'TimeZone',
      'array_nulls',
      'backslash_quote',
      'bytea_output',
      'client_min_messages',
      'escape_string_warning',
      'extra_float_digits',
      'quote_all_identifiers',
      'row_security',
      'search_path',
      'standard_conforming_strings',
      'transform_null_equals',
      'xmlbinary',
      'xmloption',
    ])
    expect(
      pinned(await settingsOf(database.url, 'course')).filter((text) => !/timeout|^default_|^client_conn/.test(text)),
    ).toEqual([])
    const rows = pinned(await settingsOf(database.url, 'rows'))
    expect(rows).toContain('row_security = off')
  })

  test('of a pool has the shorter of its own limit and that of its role', async ({ database }) => {
    await database.query(`ALTER DATABASE "${database.name}" SET statement_timeout = '2s'`)
    const limit = async (queryTimeoutMs: number): Promise<unknown> => {
      const pool = createPool(targetOf(database.url), { query_timeout: queryTimeoutMs, pins: 'course' })
      const { rows } = await pool.query<{ limit: string }>(`SELECT current_setting('statement_timeout') AS "limit"`)
      await pool.end()
      return rows[0]?.limit
    }
    expect(await limit(1_000)).toBe('1s')
    expect(await limit(10_000)).toBe('2s')
  })

  test('leaves those of a pooler alone, which gives them to others', async ({ database }) => {
    await withTimeouts(database)
    await withSmallPooler(database.url, { mode: 'transaction' }, async (url) => {
      expect(pinned(await settingsOf(url, 'all'))).toEqual([])
    })
  })
})
