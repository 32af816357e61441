import type { RollbackScript } from '../ledger/migration-files.js'
import { namesOf } from '../locks/table-effect.js'
import { splitFile } from './draft-steps.js'

/** The columns that a rollback file drops. */
export const droppedColumns = async ({ file, sql }: RollbackScript): Promise<readonly string[]> => {
  const statements = await splitFile(`migrations/rollback/${file.fileName}`, sql)
  return statements
    .flatMap(({ node }) => ('AlterTableStmt' in node ? (node.AlterTableStmt.cmds ?? []) : []))
    .flatMap((node) =>
      'AlterTableCmd' in node && node.AlterTableCmd.subtype === 'AT_DropColumn' ? (node.AlterTableCmd.name ?? []) : [],
    )
}

/** The indexes that a rollback file drops. */
export const droppedIndexes = async ({ file, sql }: RollbackScript): Promise<readonly string[]> => {
  const statements = await splitFile(`migrations/rollback/${file.fileName}`, sql)
  return statements
    .flatMap(({ node }) =>
      'DropStmt' in node && node.DropStmt.removeType === 'OBJECT_INDEX' ? (node.DropStmt.objects ?? []) : [],
    )
    .flatMap((object) => namesOf(object).at(-1) ?? [])
}
