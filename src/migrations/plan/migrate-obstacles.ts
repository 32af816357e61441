import { readRelatives } from '../in-use/inheritance.js'
import { readRowTypeColumns } from '../in-use/row-types.js'
import { relationName } from '../locks/relation-name.js'
import type { OwnClient } from '../own/own-client.js'
import type { DraftStep } from './draft-steps.js'
import type { Obstacle } from './obstacle.js'
import { readUnidentifiedTables } from './unidentified.js'

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
  const commands = messageCommands(drafts)
  return [
    ...(commands.includes('AT_AddColumn') ? await readParents(client) : []),
    ...(drafts.some(addsDefault) ? await readRowTypes(client) : []),
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
      text: `"ChatMessage" ${kind === 'parent' ? `inherits "clientId" from ${table}` : `is a partition of ${table}`}: its columns cannot be changed on their own; first: ${wayOut}`,
    }))

// PostgreSQL rejects it (0A000) even though a constant default changes no row.
const readRowTypes = async (client: OwnClient): Promise<readonly Obstacle[]> =>
  (await readRowTypeColumns(client)).map(({ column, wayOut }) => ({
    code: 'row_type_in_use',
    effect: 'refused',
    text: `column ${column} stores rows of "ChatMessage", so the server adds no column with a default; first: ${wayOut}`,
  }))

const addsDefault = ({ statements }: DraftStep): boolean =>
  statements.some(
    ({ node }) =>
      'AlterTableStmt' in node &&
      (node.AlterTableStmt.cmds ?? []).some(
        (command) =>
          'AlterTableCmd' in command &&
          command.AlterTableCmd.def !== undefined &&
          'ColumnDef' in command.AlterTableCmd.def &&
          (command.AlterTableCmd.def.ColumnDef.constraints ?? []).some(
            (constraint) => 'Constraint' in constraint && constraint.Constraint.contype === 'CONSTR_DEFAULT',
          ),
      ),
  )

/** What the statements do to messages, as the parser names the commands of ALTER TABLE. */
export const messageCommands = (drafts: readonly DraftStep[]): readonly string[] =>
  drafts
    .flatMap(({ statements }) => statements)
    .flatMap(({ node }) =>
      'AlterTableStmt' in node && relationName(node.AlterTableStmt.relation) === 'ChatMessage'
        ? (node.AlterTableStmt.cmds ?? [])
        : [],
    )
    .flatMap((node) => ('AlterTableCmd' in node ? (node.AlterTableCmd.subtype ?? []) : []))
