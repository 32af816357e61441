import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { splitStatements } from '../../src/migrations/ledger/split-statements.js'
import { expect, withDatabase, type TestDatabase } from './database.js'

const PSQL = '/usr/lib/postgresql/15/bin/psql'

export const HAS_PSQL = existsSync(PSQL)

/** As an editor does that sends one statement after the other. */
const runStatements = async (database: TestDatabase, sql: string): Promise<void> => {
  const client = await database.client()
  for (const statement of await splitStatements(sql)) await client.query(statement.sql)
  await client.end()
}

/** As an editor does that sends all of it at once, which the server takes for one transaction. */
const runAtOnce = async (database: TestDatabase, sql: string): Promise<void> => {
  const client = await database.client()
  await client.query(sql)
  await client.end()
}

const runInPsql = async (database: TestDatabase, sql: string, stopOnError = true): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'chatkeep-script-'))
  try {
    const file = join(folder, 'script.sql')
    await writeFile(file, sql)
    const stop = stopOnError ? ['-v', 'ON_ERROR_STOP=1'] : []
    await promisify(execFile)(PSQL, ['-X', '-q', ...stop, '-f', file, database.url])
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The ways in which a script is run. */
export const SCRIPT_RUNNERS = { runStatements, runAtOnce, runInPsql }

/** Every object, and when it was last altered. */
const SHAPE = `SELECT oid::text, xmin::text, relname FROM pg_class WHERE relnamespace::regnamespace::text IN ('public', 'chatkeep') ORDER BY 1`

export const shapeOf = (database: TestDatabase): Promise<unknown> => database.query(SHAPE)

/** Runs a script as psql does without ON_ERROR_STOP, which goes on after every error, and expects that it refuses itself. */
export const expectUnchanged = async (database: TestDatabase, sql: string, reason: string): Promise<void> => {
  const before = await shapeOf(database)
  const client = await database.client()
  const errors: string[] = []
  for (const statement of await splitStatements(sql))
    await client.query(statement.sql).catch((error: unknown) => errors.push(String(error)))
  await client.end()
  expect(errors[0]).toContain(`chatkeep: nothing was changed: `)
  expect(errors[0]).toContain(reason)
  expect(await shapeOf(database)).toEqual(before)
}

/** Expects that a script for one database changes nothing in another one that looks the same, in whatever way it is run. */
export const expectRefusedElsewhere = (
  sql: string,
  prepare: (other: TestDatabase) => Promise<unknown>,
): Promise<void> =>
  withDatabase(async (other) => {
    await prepare(other)
    await expectUnchanged(other, sql, `this is database ${other.name}`)
    if (!HAS_PSQL) return
    const before = await shapeOf(other)
    await runInPsql(other, sql, false)
    await expect(runInPsql(other, sql)).rejects.toThrow(`this is database ${other.name}`)
    expect(await shapeOf(other)).toEqual(before)
  })
