import type pg from 'pg'
import { readCatalog } from '../../../src/database/catalog.js'
import { addGuard, validateGuard } from '../../../src/migrations/archive/archive.js'
import { dropStatements, startStatements, type Kept } from '../../../src/migrations/archive/capture.js'
import { countMissing } from '../../../src/migrations/archive/fill.js'
import {
  migrationTitle,
  readMigrationFiles,
  readRollbackScripts,
  shippedMigrations,
} from '../../../src/migrations/ledger/migration-files.js'
import { BASE_MIGRATION, GUEST_MIGRATION } from '../../../src/migrations/ledger/migration-names.js'
import { removeAllOrphans } from '../../../src/migrations/guests/link-guests.js'
import { isStronger, strongestLocks, type TableLock } from '../../../src/migrations/locks/lock-modes.js'
import { statementEffect } from '../../../src/migrations/locks/statement-locks.js'
import { splitStatements, type Statement } from '../../../src/migrations/ledger/split-statements.js'
import { ownNamesFor } from '../../../src/persistence/own-names.js'
import { CHAT_TABLES } from '../../../src/persistence/shape.js'
import { readOwnState } from '../../../src/migrations/own/own-state.js'
import { describe, expect, test, type TestDatabase } from '../../support/database.js'
import { until } from '../../support/until.js'

/** Of a rollback of the whole update. */
const KEPT: Kept = {
  columns: ['guestUsername', 'guestPhone', 'idempotencyKey', 'guestUnverified'],
  needsClients: true,
}

const SELECT_TABLES = `
  SELECT c.oid::text AS oid, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS name
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', 'chatkeep')`

const SELECT_LOCKS = `
  SELECT relation::text AS oid, mode FROM pg_locks WHERE pid = $1 AND locktype = 'relation' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

/** Tables that are there, so that locks can be named even after the table is dropped. */
const tableNames = async (client: pg.Client): Promise<ReadonlyMap<string, string>> => {
  const { rows } = await client.query<{ oid: string; name: string }>(SELECT_TABLES)
  return new Map(rows.map(({ oid, name }) => [oid, name]))
}

const locksOf = async (
  client: pg.Client,
  pid: number,
  tables: ReadonlyMap<string, string>,
): Promise<readonly TableLock[]> => {
  const { rows } = await client.query<{ oid: string; mode: string }>(SELECT_LOCKS, [pid])
  const locks = rows.flatMap(({ oid, mode }) => {
    const table = tables.get(oid)
    return table === undefined ? [] : [{ table, mode: modeName(mode) }]
  })
  return strongestLocks(locks)
}

// pg_locks says ShareUpdateExclusiveLock where people say SHARE UPDATE EXCLUSIVE.
const modeName = (mode: string): TableLock['mode'] =>
  mode
    .replace(/Lock$/, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase() as TableLock['mode']

/** Only locks that somebody can notice: what a trigger reads or writes beside is not announced, and stops nobody. */
const noticeable = (locks: readonly TableLock[]): readonly string[] =>
  locks
    .filter(({ mode }) => isStronger(mode, 'ROW EXCLUSIVE'))
    .map(({ table, mode }) => `${table}: ${mode}`)
    .sort()

interface Session {
  readonly client: pg.Client
  readonly watcher: pg.Client
  readonly database: TestDatabase
}

/** Runs one statement for real, and compares its locks with those that the plan announces. */
const compare = async (
  { client, watcher, database }: Session,
  title: string,
  { sql, node }: Statement,
): Promise<void> => {
  const catalog = await readCatalog(client, 'public', CHAT_TABLES)
  const announced = statementEffect(node, catalog)
  const tables = await tableNames(client)
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const pid = rows[0]?.pid ?? 0
  let actual: readonly TableLock[]
  if (announced.waitsForOldTransactions) {
    const table = announced.locks[0]?.table ?? ''
    const writer = await database.client()
    await writer.query(`BEGIN; LOCK TABLE "${table}" IN ROW EXCLUSIVE MODE`)
    const run = client.query(sql)
    const waiting = `SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'`
    await until(async () => (await watcher.query(waiting, [pid])).rowCount === 1, {
      what: `${title} waits for the writer`,
    })
    actual = await locksOf(watcher, pid, tables)
    await writer.end()
    await run
  } else {
    await client.query('BEGIN')
    await client.query(sql)
    actual = await locksOf(client, pid, tables)
    await client.query('COMMIT')
  }
  const about = `${title}: ${sql.slice(0, 200)}`
  expect(noticeable(announced.locks), about).toEqual(noticeable(actual))
  const weak = announced.locks.filter(({ table, mode }) =>
    isStronger(mode, actual.find((lock) => lock.table === table)?.mode ?? 'ACCESS SHARE'),
  )
  expect(weak, about).toEqual([])
  expect(announced.blocks, about).not.toContain('unknown')
}

describe('the locks that a plan announces', () => {
  test('are those that the server takes, statement by statement, forth and back', async ({ database }) => {
    const session = { database, client: await database.client(), watcher: await database.client() }
    const folder = shippedMigrations()
    const files = (await readMigrationFiles(folder)).filter(({ id }) => id > 0)
    for (const file of files) {
      const statements = await splitStatements(file.sql)
      for (const statement of statements) await compare(session, migrationTitle(file), statement)
      // Once more over what is there, as a repair does.
      const again = file.id === BASE_MIGRATION || file.sql.includes('CONCURRENTLY') ? [] : statements
      for (const statement of again) await compare(session, `${migrationTitle(file)} again`, statement)
    }
    const names = ownNamesFor('public')
    const objects = { trigger: true, capture: true, missedWrites: true }
    const nothing = { archive: false, missedWrites: false, capture: false, trigger: false, guard: false }
    const preparations = [
      ...startStatements(await readOwnState(session.client, 'public'), KEPT, { processId: 0, objects: nothing }),
      removeAllOrphans(names),
      addGuard(names),
      validateGuard(names),
      countMissing(names, KEPT),
    ]
    for (const statement of await splitStatements(preparations.join(';\n')))
      await compare(session, 'rollback', statement)
    const undone = files.filter(({ id }) => id > BASE_MIGRATION).toReversed()
    for (const { file, sql } of await readRollbackScripts(folder, undone)) {
      const capture = file.name === GUEST_MIGRATION ? `${dropStatements(names, objects).join(';\n')};\n` : ''
      const statements = await splitStatements(sql + capture)
      for (const statement of statements) await compare(session, `rollback/${migrationTitle(file)}`, statement)
    }
  })
})
