import { describe, expect, test } from 'vitest'
import { statementEffect } from '../../../src/migrations/locks/statement-locks.js'
import { splitStatements } from '../../../src/migrations/ledger/split-statements.js'
import type { KnownObjects } from '../../../src/migrations/locks/statement-effect.js'

const known: KnownObjects = {
  tables: ['t', 'other'],
  indexes: [{ table: 't', name: 'i', unique: false, valid: true, deferrable: null, definition: 'btree (a)' }],
  triggers: [{ table: 't', name: 'chatkeep_there' }],
  provenNotNull: ['proven'],
}

const effect = async (sql: string) => {
  const [statement] = await splitStatements(sql)
  if (statement === undefined) throw new Error('no statement')
  return statementEffect(statement.node, known)
}

describe('what a statement locks, what that blocks, and what the statement works on', () => {
  test.for([
    ['ALTER TABLE t ALTER a DROP NOT NULL, ADD COLUMN b text', 't: ACCESS EXCLUSIVE', 'readers and writers', 'catalog'],
    [
      'ALTER TABLE t ADD COLUMN b boolean NOT NULL DEFAULT false',
      't: ACCESS EXCLUSIVE',
      'readers and writers',
      'catalog',
    ],
    [
      'ALTER TABLE t ADD COLUMN b uuid DEFAULT gen_random_uuid()',
      't: ACCESS EXCLUSIVE',
      'readers and writers',
      'rewrite',
    ],
    ['ALTER TABLE t ALTER a TYPE bigint', 't: ACCESS EXCLUSIVE', 'readers and writers', 'rewrite'],
    ['ALTER TABLE t ALTER a SET NOT NULL', 't: ACCESS EXCLUSIVE', 'readers and writers', 'scan'],
    ['ALTER TABLE t ALTER proven SET NOT NULL', 't: ACCESS EXCLUSIVE', 'readers and writers', 'catalog'],
    ['ALTER TABLE t ADD CHECK (a > 0)', 't: ACCESS EXCLUSIVE', 'readers and writers', 'scan'],
    ['ALTER TABLE t ADD CHECK (a > 0) NOT VALID', 't: ACCESS EXCLUSIVE', 'readers and writers', 'catalog'],
    ['ALTER TABLE t VALIDATE CONSTRAINT c', 't: SHARE UPDATE EXCLUSIVE', 'other schema changes', 'scan'],
    [
      'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES other',
      't: SHARE ROW EXCLUSIVE, other: SHARE ROW EXCLUSIVE',
      'writers',
      'scan',
    ],
    [
      'ALTER TABLE t ADD COLUMN b int REFERENCES other',
      't: ACCESS EXCLUSIVE, other: SHARE ROW EXCLUSIVE',
      'readers and writers',
      'catalog',
    ],
    ['ALTER TABLE t ADD PRIMARY KEY (a)', 't: ACCESS EXCLUSIVE', 'readers and writers', 'index'],
    ['ALTER TABLE t DISABLE TRIGGER x', 't: SHARE ROW EXCLUSIVE', 'writers', 'catalog'],
    ['ALTER TABLE t SET UNLOGGED', 't: ACCESS EXCLUSIVE', 'readers and writers', 'unknown'],
    ['CREATE INDEX x ON t (a)', 't: SHARE', 'writers', 'index'],
    ['CREATE INDEX CONCURRENTLY x ON t (a)', 't: SHARE UPDATE EXCLUSIVE', 'other schema changes', 'index'],
    ['DROP INDEX i', 't: ACCESS EXCLUSIVE', 'readers and writers', 'catalog'],
    ['DROP INDEX CONCURRENTLY IF EXISTS i', 't: SHARE UPDATE EXCLUSIVE', 'other schema changes', 'catalog'],
    ['DROP INDEX CONCURRENTLY IF EXISTS gone', '', 'nobody', 'catalog'],
    ['DROP TABLE t', 't: ACCESS EXCLUSIVE', 'readers and writers', 'catalog'],
    ['DROP TABLE IF EXISTS gone', '', 'nobody', 'catalog'],
    ['DROP TRIGGER IF EXISTS chatkeep_there ON t', 't: ACCESS EXCLUSIVE', 'readers and writers', 'catalog'],
    ['DROP TRIGGER IF EXISTS chatkeep_gone ON t', '', 'nobody', 'catalog'],
    ['DROP TRIGGER anything ON t', 't: ACCESS EXCLUSIVE', 'readers and writers', 'catalog'],
    ['CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()', 't: SHARE ROW EXCLUSIVE', 'writers', 'catalog'],
    ['CREATE TABLE n (a int REFERENCES other)', 'other: SHARE ROW EXCLUSIVE', 'writers', 'catalog'],
    ['COMMENT ON COLUMN t.a IS NULL', 't: SHARE UPDATE EXCLUSIVE', 'other schema changes', 'catalog'],
    ['ALTER TABLE t RENAME TO u', 't: ACCESS EXCLUSIVE', 'readers and writers', 'catalog'],
    ['TRUNCATE t', 't: ACCESS EXCLUSIVE', 'readers and writers', 'catalog'],
    ['LOCK TABLE t IN SHARE MODE', 't: SHARE', 'writers', 'catalog'],
    ['INSERT INTO t SELECT a FROM other', 't: ROW EXCLUSIVE, other: ACCESS SHARE', 'nobody', 'rows'],
    [
      'WITH x AS (DELETE FROM t RETURNING a) INSERT INTO other SELECT a FROM x',
      'other: ROW EXCLUSIVE, t: ROW EXCLUSIVE',
      'nobody',
      'rows',
    ],
    ['SELECT a FROM t FOR UPDATE', 't: ROW SHARE', 'nobody', 'rows'],
    ['CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1', '', 'nobody', 'catalog'],
    ['GRANT SELECT ON t TO PUBLIC', '', 'nobody', 'catalog'],
    ['DO $$ BEGIN END $$', '', 'unknown: assume readers and writers', 'unknown'],
    ['REINDEX TABLE t', '', 'unknown: assume readers and writers', 'unknown'],
    ['DROP SCHEMA s', '', 'unknown: assume readers and writers', 'unknown'],
  ] as const)('%s', async ([sql, locks, blocks, work]) => {
    const found = await effect(sql)
    expect(found.locks.map(({ table, mode }) => `${table}: ${mode}`).toSorted()).toEqual(
      locks === '' ? [] : locks.split(', ').toSorted(),
    )
    expect([found.blocks, found.work.kind]).toEqual([blocks, work])
    expect(found.waitsForOldTransactions).toBe(sql.includes('CONCURRENTLY') && locks !== '')
  })
})
