import { escapeIdentifier } from '../../../database/identifier.js'
import type { Explanation } from '../../explanation.js'
import { finding, type Finding } from '../../finding.js'
import { type Next } from '../../../next-step.js'

/** The finding that a table of the application is missing. */
export const tableMissing = (
  table: string,
  { schema }: { readonly schema: string },
  help: Next,
): Finding<'table_missing'> =>
  finding('error', 'table_missing', {
    object: `table ${escapeIdentifier(table)}`,
    expected: `in schema ${escapeIdentifier(schema)}`,
    actual: 'missing',
    help,
  })

export const TABLE_MISSING: Explanation = {
  title: 'a table is missing',
  severities: ['error'],
  meaning: `chatkeep uses this table whenever it saves a message or lists chats. Without it, saving and reading fail.`,
  cause: 'The table was dropped or renamed, or a restore left it out.',
  remedy: `The tables of the application have to be restored from a backup; their definition is in
    migrations/1_create-chat-tables.sql.`,
}
