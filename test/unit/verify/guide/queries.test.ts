import { describe, expect, test } from 'vitest'
import { fencesOf } from '../../../../src/verify/guide/markdown.js'
import { readQueries } from '../../../../src/verify/guide/queries.js'

const contentOf = async (sql: string): Promise<unknown> => {
  const [fence] = fencesOf(`~~~sql\n${sql}\n~~~`)
  if (fence === undefined) throw new Error('no fence')
  const content = await readQueries(fence)
  if (content.kind === 'queries') return content.queries.map(({ isOrdered }) => (isOrdered ? 'ordered' : 'query'))
  return content.kind === 'other' ? content.reason : `${content.position}: ${content.message}`
}

describe('a fence of SQL', () => {
  test.for([
    ['SELECT 1', ['query']],
    ['-- a comment\nSELECT 1 ORDER BY 1;', ['ordered']],
    ['SELECT (SELECT 1 ORDER BY 1)', ['query']],
    ['VALUES (1); TABLE x ORDER BY 1; WITH y AS (SELECT 1) SELECT * FROM y', ['query', 'ordered', 'query']],
    ["SELECT 'INSERT INTO x; DROP TABLE y'", ['query']],
    ['', 'no statement'],
    ['-- nothing', 'no statement'],
    ['INSERT INTO x VALUES (1)', 'INSERT is not a query'],
    ['SELECT 1; /* then */ drop table x', 'DROP is not a query'],
    ['EXPLAIN ANALYZE SELECT 1', 'EXPLAIN is not a query'],
    ["COPY (SELECT 1) TO PROGRAM 'cat'", 'COPY is not a query'],
    ['DO $$ BEGIN END $$', 'DO is not a query'],
    ['COMMIT; DROP TABLE x', 'COMMIT is not a query'],
    ['WITH y AS (DELETE FROM x RETURNING *) SELECT * FROM y', 'DELETE in WITH changes data'],
    [
      'SELECT 1 UNION (WITH y AS (INSERT INTO x VALUES (1) RETURNING 1) SELECT * FROM y)',
      'INSERT in WITH changes data',
    ],
    ['SELECT 1 INTO x', 'SELECT INTO creates a table'],
    ['SELECT * FROM (SELECT * FROM x FOR SHARE) y', 'it locks rows'],
    ['SELECT pg_terminate_backend(1)', 'pg_terminate_backend() acts on the server or the session'],
    ['SELECT 1 WHERE pg_catalog.PG_CANCEL_BACKEND(1)', 'pg_cancel_backend() acts on the server or the session'],
    ...[
      ...['brin_summarize_new_values', 'brin_desummarize_range', 'gin_clean_pending_list', 'heap_force_kill'],
      ...['query_to_xml', 'table_to_xmlschema', 'cursor_to_xml', 'database_to_xml_and_xmlschema', 'ts_stat'],
      ...['pg_export_snapshot', 'set_config', 'pg_replication_origin_create', 'pg_stat_force_next_flush', 'setseed'],
    ].map((name) => [`SELECT ${name}('x')`, `${name}() acts on the server or the session`] as const),
    ['SELECT pg_is_in_recovery(), pg_relation_size($$x$$), "pg_terminate_backend"', ['query']],
    [String.raw`\d x`, String.raw`a command of psql: \d`],
    [String.raw`SELECT 1 \gx`, String.raw`a command of psql: \gx`],
    ['SELECT 1 FROM WHERE', '15: syntax error at or near "WHERE"'],
    ['SELECT :id', '8: syntax error at or near ":"'],
  ] as const)('%j', async ([sql, content]) => {
    expect(await contentOf(sql)).toEqual(content)
  })
})
