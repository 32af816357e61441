import { readRelatives } from '../in-use/inheritance.js'
import { readRowTypeColumns } from '../in-use/row-types.js'
import type { OwnClient } from '../own/own-client.js'
import type { DraftStep } from './draft-steps.js'
import type { Obstacle } from './obstacle.js'
import { addsDefault, messageCommands } from './schema-changes.js'
import { readUnidentifiedTables } from './unidentified.js'
import { sql } from '../../next-step.js'

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
    ...(await readUnidentifiedTables(client, schema, restores ? ['ChatMessage', 'Client'] : [])),
  ]
}

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

// PostgreSQL rejects it (0A000) even though a constant default changes no row.
const readRowTypes = async (client: OwnClient): Promise<readonly Obstacle[]> =>
  (await readRowTypeColumns(client)).map(({ column, wayOut }) => ({
    code: 'row_type_in_use',
    effect: 'refused',
    text: `column ${column} stores rows of "ChatMessage", so the server adds no column with a default`,
    next: sql(wayOut, 'first'),
  }))
