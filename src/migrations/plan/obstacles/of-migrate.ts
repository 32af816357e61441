import { escapeIdentifier } from '../../../database/identifier.js'
import { readGuestBarriers } from '../../in-use/guest-barriers.js'
import { readRelatives } from '../../in-use/inheritance.js'
import { readRowTypeColumns } from '../../in-use/row-types.js'
import type { OwnClient } from '../../own/own-client.js'
import type { DraftStep } from '../draft-steps.js'
import type { Obstacle } from '../obstacle.js'
import { addedColumns, addsDefault, messageCommands } from '../schema-changes.js'
import { readUnidentifiedTables } from '../unidentified.js'
import { sql } from '../../../next-step.js'

/** What the obstacles of a migrate depend on. */
export interface MigrateQuestion {
  readonly schema: string
  readonly drafts: readonly DraftStep[]
  /** An earlier rollback left an archive, whose rows are put back by UPDATE. */
  readonly restores: boolean
}

/** Reads what would stop a migrate halfway: other tables that share the columns, and updates that the server rejects. */
export const readMigrateObstacles = async (
  client: OwnClient,
  { schema, drafts, restores }: MigrateQuestion,
): Promise<readonly Obstacle[]> => {
  if (drafts.length === 0 && !restores) return []
  return [
    ...(messageCommands(drafts).includes('AT_AddColumn') ? await readParents(client) : []),
    ...(addsDefault(drafts) ? await readRowTypes(client) : []),
    ...(await readUsedUpColumns(client, addedColumns(drafts))),
    ...(await readBarriers(client, schema)),
    ...(await readUnidentifiedTables(client, schema, restores ? ['ChatMessage', 'Client'] : [])),
  ]
}

/** What a table can have in its life: dropped columns count. */
const MOST_COLUMNS = 1_600

const SELECT_COLUMN_COUNTS = `
  SELECT c.relnatts::integer AS "used", count(a.attname)::integer AS "present"
  FROM pg_catalog.pg_class AS c
  LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped AND a.attname = ANY ($2)
  WHERE c.oid = to_regclass($1)
  GROUP BY c.relnatts`

// Each rollback leaves dropped columns behind, each migrate adds new ones.
const readUsedUpColumns = async (client: OwnClient, added: readonly string[]): Promise<readonly Obstacle[]> =>
  (await client.query<{ used: number; present: number }>(SELECT_COLUMN_COUNTS, [client.own.message, added])).rows
    .filter(({ used, present }) => used + added.length - present > MOST_COLUMNS)
    .map(({ used }) => ({
      code: 'columns_used_up',
      effect: 'refused',
      text: `"ChatMessage" has had ${used} columns, dropped ones included, and a table can have ${MOST_COLUMNS} in its life`,
      next: 'dump and restore the table first: a new table has only the columns that are left',
    }))

// A partition has no columns of its own; an inherited NOT NULL cannot be dropped.
const readParents = async (client: OwnClient): Promise<readonly Obstacle[]> =>
  (await readRelatives(client))
    .filter(({ kind, columns }) => kind === 'partitioned' || (kind === 'parent' && columns.includes('clientId')))
    .map(({ kind, table, wayOut }) => ({
      code: 'partitioned_table',
      effect: 'refused',
      text: `"ChatMessage" ${kind === 'parent' ? `inherits "clientId" from ${table}` : `is a partition of ${table}`}: its columns cannot be changed on their own`,
      next: sql(wayOut, 'first'),
    }))

// The application may still want them; verify calls it an error afterwards.
const readBarriers = async (client: OwnClient, schema: string): Promise<readonly Obstacle[]> =>
  (await readGuestBarriers(client, schema)).map(({ name, wayOut }) => ({
    code: 'constraint_excludes_guests',
    effect: 'note',
    text: `constraint ${escapeIdentifier(name)} on "ChatMessage" will reject messages without a client`,
    next: sql(wayOut),
  }))

// PostgreSQL rejects it (0A000) even though a constant default changes no row.
const readRowTypes = async (client: OwnClient): Promise<readonly Obstacle[]> =>
  (await readRowTypeColumns(client)).map(({ column, next }) => ({
    code: 'row_type_in_use',
    effect: 'refused',
    text: `column ${column} stores rows of "ChatMessage", so the server adds no column with a default`,
    next,
  }))
