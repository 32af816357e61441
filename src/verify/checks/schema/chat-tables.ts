import { escapeIdentifier } from '../../../database/identifier.js'
import { CHAT_TABLES } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasChatTables, hasTable, migrationState, type Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { TABLE_MISSING, tableMissing } from '../objects/table-missing.js'
import { chatkeep, or, sql } from '../../../next-step.js'

type Code = 'schema_missing' | 'chat_tables_missing' | 'table_missing'

/** Do the application's tables exist? If none does, that is a single finding. */
export const chatTables: FactCheck<Code> = {
  name: 'chat-tables',
  expectations: ALWAYS,
  needs: {},
  findings: (facts) => {
    if (!facts.server.schemaExists) return [missingSchema(facts)]
    if (!hasChatTables(facts)) return [missingTables(facts)]
    return CHAT_TABLES.filter((table) => !hasTable(facts, table)).map((table) => tableMissing(table, facts, RESTORE))
  },
  explanations: {
    schema_missing: {
      title: 'the schema does not exist',
      severities: ['error'],
      meaning: `The database has no schema of this name, so it has no chat tables either. The remaining checks have
        nothing to look at.`,
      cause: `Usually the wrong database or a misspelled --schema (names are case-sensitive). Otherwise the schema
        was dropped, or a restore left it out.`,
      remedy: `Name the right schema with --schema, or in the database URL as ?schema=NAME. For a new chat, create it
        with CREATE SCHEMA and run chatkeep migrate.`,
    },
    chat_tables_missing: {
      title: 'the chat has no tables',
      severities: ['error'],
      meaning: `The schema has none of the tables "User", "Client" and "ChatMessage", so messages can be neither
        saved nor read.`,
      cause: `The database is empty, or the connection leads to a different database or schema than the application
        uses. If the history shows that the tables existed, they were dropped.`,
      remedy: `Check the database in the first line of the output, and --schema. In a database that is
        meant to be empty, chatkeep migrate --create-tables creates the tables. Dropped tables can only be restored from a backup.`,
    },
    table_missing: TABLE_MISSING,
  },
}

const RESTORE = 'create it as migrations/1_create-chat-tables.sql does, or restore it from a backup'

const missingSchema = ({ schema }: Facts): Finding<Code> =>
  finding('error', 'schema_missing', {
    object: `schema ${escapeIdentifier(schema)}`,
    expected: 'contains the chat tables',
    actual: 'missing',
    help: [
      'name the schema of the tables with --schema',
      or(sql(`CREATE SCHEMA ${escapeIdentifier(schema)}`, 'create it')),
    ],
  })

const missingTables = (facts: Facts): Finding<Code> => {
  const vanished = migrationState(facts, 'create-chat-tables') === 'applied'
  return finding('error', 'chat_tables_missing', {
    object: `schema ${escapeIdentifier(facts.schema)}`,
    expected: `tables ${CHAT_TABLES.map(escapeIdentifier).join(', ')}`,
    actual: vanished
      ? 'none of them, although the history records them'
      : 'none of them: the database is empty, or the database or --schema is wrong',
    help: vanished
      ? ['restore them from a backup', or('name their schema with --schema')]
      : [
          'name the right database, or the schema of the tables with --schema',
          ...(facts.expectation === 'migrated' ? [or(chatkeep('migrate --create-tables', 'create them'))] : []),
        ],
  })
}
