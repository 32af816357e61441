import type { Catalog } from '../../database/catalog.js'
import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import type { StatementEffect } from '../locks/statement-effect.js'
import { statementEffect } from '../locks/statement-locks.js'
import type { DraftStep } from './draft-steps.js'
import type { Obstacle } from './obstacle.js'

/** What refusals depend on. */
export interface RefusalQuestion {
  readonly schema: string
  /** Tables whose indexes are built or dropped CONCURRENTLY. */
  readonly concurrentTables: readonly string[]
  /** Tables whose indexes are built or dropped, CONCURRENTLY or not. */
  readonly indexedTables: readonly string[]
  /** Whether an index is built CONCURRENTLY. */
  readonly buildsConcurrently: boolean
}

/** What the statements do CONCURRENTLY. */
export const concurrentWork = (drafts: readonly DraftStep[], catalog: Catalog): Omit<RefusalQuestion, 'schema'> => {
  const indexing = drafts
    .flatMap(({ statements }) => statements)
    .filter(({ node }) => 'IndexStmt' in node || ('DropStmt' in node && node.DropStmt.removeType === 'OBJECT_INDEX'))
    .map(({ node }) => ({ node, ...statementEffect(node, catalog) }))
  const concurrent = indexing.filter(({ waitsForOldTransactions }) => waitsForOldTransactions)
  return {
    concurrentTables: tablesOf(concurrent),
    indexedTables: tablesOf(indexing),
    buildsConcurrently: concurrent.some(({ node }) => 'IndexStmt' in node),
  }
}

const tablesOf = (effects: readonly StatementEffect[]): readonly string[] => [
  ...new Set(effects.flatMap(({ locks }) => locks.map(({ table }) => table))),
]

/** Reads the obstacles that prevent the plan from running at all. */
export const readRefusals = async (client: Queryable, question: RefusalQuestion): Promise<readonly Obstacle[]> => {
  const { versionNumber } = onlyRow(await client.query<{ versionNumber: number }>(SELECT_VERSION_NUMBER))
  return [...serverObstacles(versionNumber, question.buildsConcurrently), ...(await readPartitioned(client, question))]
}

const SELECT_VERSION_NUMBER = `SELECT current_setting('server_version_num')::integer AS "versionNumber"`

/** Builds CONCURRENTLY can miss rows; fixed in 14.4. */
const FIRST_BROKEN = 140_000
const FIRST_FIXED = 140_004

/** Whether this server version can build indexes CONCURRENTLY. */
export const serverObstacles = (versionNumber: number, concurrent: boolean): readonly Obstacle[] =>
  concurrent && versionNumber >= FIRST_BROKEN && versionNumber < FIRST_FIXED
    ? [
        {
          code: 'server_corrupts_indexes',
          effect: 'refused',
          text: 'PostgreSQL 14.0 to 14.3 can miss rows when it builds an index CONCURRENTLY; update the server to 14.4 or newer',
        },
      ]
    : []

const SELECT_PARTITIONED = `
  SELECT c.relname AS "table"
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind = 'p' AND c.relname = ANY ($2)`

const readPartitioned = async (client: Queryable, question: RefusalQuestion): Promise<readonly Obstacle[]> => {
  const { rows } = await client.query<{ table: string }>(SELECT_PARTITIONED, [question.schema, question.indexedTables])
  return rows.map(({ table }) => ({
    code: 'partitioned_table',
    effect: 'refused',
    text: `"${table}" is partitioned: its indexes cannot be built or dropped CONCURRENTLY, and a unique one must contain the partition key`,
  }))
}
