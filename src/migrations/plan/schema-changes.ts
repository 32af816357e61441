import type { AlterTableCmd } from '@pgsql/types'
import type { RollbackScript } from '../ledger/migration-files.js'
import type { Statement } from '../ledger/split-statements.js'
import { columnOf, commandsOf, constraintsOf } from '../locks/alter-table.js'
import { relationName } from '../locks/relation-name.js'
import { namesOf } from '../locks/table-effect.js'
import { splitFile } from '../source/split-file.js'
import type { DraftStep } from './draft-steps.js'

/** What rollback files drop, by name. */
export interface Drops {
  readonly columns: readonly string[]
  readonly indexes: readonly string[]
}

/** The columns and indexes that rollback files drop, in the order of the files. */
export const readDrops = async (scripts: readonly RollbackScript[]): Promise<Drops> => {
  const files = await Promise.all(
    scripts.map(({ file, sql }) => splitFile({ file: `migrations/rollback/${file.fileName}`, sql })),
  )
  const statements = files.flat()
  return {
    columns: alterations(statements).flatMap(({ command: { subtype, name } }) =>
      subtype === 'AT_DropColumn' ? (name ?? []) : [],
    ),
    indexes: droppedIndexes(statements),
  }
}

/** The indexes that the statements drop, by name. */
export const droppedIndexes = (statements: readonly Statement[]): readonly string[] =>
  statements
    .flatMap(({ node }) =>
      'DropStmt' in node && node.DropStmt.removeType === 'OBJECT_INDEX' ? (node.DropStmt.objects ?? []) : [],
    )
    .flatMap((object) => namesOf(object).at(-1) ?? [])

/** What the statements do to messages, as the parser names the subcommands of ALTER TABLE. */
export const messageCommands = (drafts: readonly DraftStep[]): readonly string[] =>
  alterations(statementsOf(drafts)).flatMap(({ table, command }) =>
    table === 'ChatMessage' ? (command.subtype ?? []) : [],
  )

/** The columns that the statements add to messages. */
export const addedColumns = (drafts: readonly DraftStep[]): readonly string[] =>
  alterations(statementsOf(drafts)).flatMap(({ table, command }) =>
    table === 'ChatMessage' && command.subtype === 'AT_AddColumn' ? (columnOf(command)?.colname ?? []) : [],
  )

/** Whether a column is added with a default. */
export const addsDefault = (drafts: readonly DraftStep[]): boolean =>
  alterations(statementsOf(drafts)).some(({ command }) =>
    constraintsOf(columnOf(command)).some(({ contype }) => contype === 'CONSTR_DEFAULT'),
  )

const statementsOf = (drafts: readonly DraftStep[]): readonly Statement[] =>
  drafts.flatMap(({ statements }) => statements)

interface Alteration {
  readonly table: string | undefined
  readonly command: AlterTableCmd
}

const alterations = (statements: readonly Statement[]): readonly Alteration[] =>
  statements.flatMap(({ node }) => {
    if (!('AlterTableStmt' in node)) return []
    const table = relationName(node.AlterTableStmt.relation)
    return commandsOf(node.AlterTableStmt).map((command) => ({ table, command }))
  })
