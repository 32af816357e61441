import type { Catalog } from '../../database/catalog.js'
import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import type { StatementEffect } from '../locks/statement-effect.js'
import { statementEffect } from '../locks/statement-locks.js'
import { sql } from '../../next-step.js'
import { MESSAGES } from '../partitions/partitions.js'
import type { DraftStep } from './draft-steps.js'
import type { Obstacle } from './obstacle.js'

/** What refusals depend on. */
export interface RefusalQuestion {
  readonly schema: string
  /** Tables whose indexes are built or dropped CONCURRENTLY. */
  readonly concurrentTables: readonly string[]
  /** Tables whose indexes are built by a statement of a file, or dropped CONCURRENTLY: neither works on a partitioned one. */
  readonly indexedTables: readonly string[]
  /** Whether an index is built CONCURRENTLY. */
  readonly buildsConcurrently: boolean
}

/** What the statements do CONCURRENTLY. */
export const concurrentWork = (drafts: readonly DraftStep[], catalog: Catalog): Omit<RefusalQuestion, 'schema'> => {
  const indexing = drafts
    .flatMap(({ statements, units }) => statements.map(({ node }) => ({ node, isPlanned: units !== undefined })))
    .filter(({ node }) => 'IndexStmt' in node || 'DropStmt' in node)
    .map((statement) => ({ ...statement, ...statementEffect(statement.node, catalog) }))
  const concurrent = indexing.filter(({ waitsForOldTransactions }) => waitsForOldTransactions)
  return {
    concurrentTables: tablesOf(concurrent),
    indexedTables: tablesOf(
      [...indexing.filter(({ node }) => 'IndexStmt' in node), ...concurrent].filter(({ isPlanned }) => !isPlanned),
    ),
    buildsConcurrently: concurrent.some(({ node }) => 'IndexStmt' in node),
  }
}

const tablesOf = (effects: readonly StatementEffect[]): readonly string[] => [
  ...new Set(effects.flatMap(({ locks }) => locks.map(({ table }) => table))),
]

/** Reads the obstacles that prevent the plan from running at all. */
export const readRefusals = async (client: Queryable, question: RefusalQuestion): Promise<readonly Obstacle[]> => {
  const { versionNumber } = onlyRow(await client.query<{ versionNumber: number }>(SELECT_VERSION_NUMBER))
  return [
    ...serverObstacles(versionNumber, question.buildsConcurrently),
    ...(await readPartitioned(client, question)),
    ...(await readForeignPartitions(client, question)),
  ]
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
    text:
      table === MESSAGES
        ? `"${table}" is partitioned: a migration of your own can build its indexes only ON ONLY the table, CONCURRENTLY on each partition, and ATTACH them`
        : `"${table}" is partitioned, which chatkeep supports only for "${MESSAGES}"`,
  }))
}

const SELECT_FOREIGN = `
  SELECT i.identity AS "partition", m.identity AS "parent"
  FROM pg_catalog.pg_partition_tree(to_regclass($1)) AS t
  JOIN pg_catalog.pg_class AS c ON c.oid = t.relid AND c.relkind = 'f'
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, t.relid, 0) AS i
  CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, t.parentrelid, 0) AS m
  ORDER BY 1`

// It has no indexes, so that no index of the table becomes valid, and its columns are those of another server.
const readForeignPartitions = async (client: Queryable, { schema }: RefusalQuestion): Promise<readonly Obstacle[]> => {
  const table = qualified(schema, MESSAGES)
  const { rows } = await client.query<{ partition: string; parent: string }>(SELECT_FOREIGN, [table])
  return rows.map(({ partition, parent }) => ({
    code: 'partitioned_table',
    effect: 'refused',
    text: `partition ${partition} of "ChatMessage" is a foreign table, on which no index can be built`,
    next: sql(`ALTER TABLE ${parent} DETACH PARTITION ${partition}`, 'first'),
  }))
}
