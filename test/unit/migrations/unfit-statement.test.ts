import { describe, expect, test } from 'vitest'
import { splitStatements } from '../../../src/migrations/ledger/split-statements.js'
import { unfitStatement } from '../../../src/migrations/source/unfit-statement.js'

const why = async (sql: string, inTransaction: boolean): Promise<string | undefined> => {
  const [statement] = await splitStatements(sql)
  return statement === undefined ? undefined : unfitStatement(statement, inTransaction)?.why
}

const TRANSACTION = 'it runs in one transaction, which also writes its row in the history'
const ALONE = 'each of its statements is committed by itself (disable-transaction)'
const NOT_IN_ONE = 'it runs in one transaction, and this statement cannot'
const SETTINGS = 'this run would lose its time-outs and its lock'
const LOCK = 'this run would lose the lock that keeps other migrations out'
const CLIENT = 'its rows come from the client, and chatkeep sends none'

describe('a statement cannot be used in a file', () => {
  test.for([
    ['BEGIN', TRANSACTION, ALONE],
    ['START TRANSACTION READ ONLY', TRANSACTION, ALONE],
    ['COMMIT', TRANSACTION, ALONE],
    ['COMMIT AND CHAIN', TRANSACTION, ALONE],
    ['END', TRANSACTION, ALONE],
    ['ROLLBACK', TRANSACTION, ALONE],
    ['ABORT', TRANSACTION, ALONE],
    ['SAVEPOINT a', TRANSACTION, ALONE],
    ['RELEASE a', TRANSACTION, ALONE],
    ['ROLLBACK TO a', TRANSACTION, ALONE],
    [`PREPARE TRANSACTION 'a'`, TRANSACTION, ALONE],
    [`COMMIT PREPARED 'a'`, TRANSACTION, undefined],
    [`ROLLBACK PREPARED 'a'`, TRANSACTION, undefined],
    ['VACUUM t', NOT_IN_ONE, undefined],
    ['CREATE INDEX CONCURRENTLY i ON t (a)', NOT_IN_ONE, undefined],
    ['DROP INDEX CONCURRENTLY i', NOT_IN_ONE, undefined],
    ['REINDEX TABLE CONCURRENTLY t', NOT_IN_ONE, undefined],
    ['REINDEX SCHEMA s', NOT_IN_ONE, undefined],
    ['ALTER TABLE t DETACH PARTITION p CONCURRENTLY', NOT_IN_ONE, undefined],
    ['CREATE DATABASE d', NOT_IN_ONE, undefined],
    ['DROP DATABASE d', NOT_IN_ONE, undefined],
    ['CREATE TABLESPACE s LOCATION $$/s$$', NOT_IN_ONE, undefined],
    ['DROP TABLESPACE s', NOT_IN_ONE, undefined],
    [`ALTER SYSTEM SET work_mem = '8MB'`, NOT_IN_ONE, undefined],
    ['CLUSTER', NOT_IN_ONE, undefined],
    ['DISCARD ALL', NOT_IN_ONE, SETTINGS],
    ['RESET ALL', SETTINGS, SETTINGS],
    ['SELECT pg_advisory_unlock_all()', LOCK, LOCK],
    ['SELECT 1 WHERE pg_catalog.pg_advisory_unlock_all() IS NULL', LOCK, LOCK],
    ['COPY t FROM stdin', CLIENT, CLIENT],
  ] as const)('%s', async ([sql, inTransaction, outside]) => {
    expect([await why(sql, true), await why(sql, false)]).toEqual([inTransaction, outside])
  })

  test.for([
    `SELECT 'COMMIT; pg_advisory_unlock_all()'`,
    'SELECT 1 /* COMMIT; */',
    'DO $$ BEGIN COMMIT; END $$',
    'CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$',
    'CREATE FUNCTION f() RETURNS void BEGIN ATOMIC SELECT pg_advisory_unlock_all(); END',
    'CREATE INDEX i ON t (a)',
    'REINDEX TABLE t',
    'ANALYZE t',
    'CLUSTER t',
    'LOCK TABLE t',
    'DISCARD TEMP',
    'SET LOCAL lock_timeout = 0',
    'RESET ROLE',
    'SELECT pg_advisory_unlock(1)',
    `COPY t FROM '/a'`,
    'COPY t TO stdout',
  ])('not refused: %s', async (sql) => {
    expect(await why(sql, true)).toBeUndefined()
  })
})
