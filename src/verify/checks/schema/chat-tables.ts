import { escapeIdentifier } from '../../../database/identifier.js'
import { CHAT_TABLES } from '../../../persistence/shape.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import { hasChatTables, hasTable, migrationState, type Facts } from '../../facts/facts.js'
import { commandLine, finding, type Finding } from '../../finding.js'

/** Are the application's tables there? When none is, this is the only thing said about them. */
export const chatTables: FactCheck = {
  name: 'chat-tables',
  expectations: ALWAYS,
  findings: (facts) => {
    if (!facts.surroundings.schemaExists) return [missingSchema(facts)]
    if (!hasChatTables(facts)) return [missingTables(facts)]
    return CHAT_TABLES.filter((table) => !hasTable(facts, table)).map((table) => missingTable(facts, table))
  },
}

const missingSchema = ({ schema }: Facts): Finding =>
  finding('error', 'schema_missing', {
    object: `schema ${escapeIdentifier(schema)}`,
    expected: 'to hold the tables of the chat',
    actual: 'missing',
    help: `name another one with --schema, or create it: CREATE SCHEMA ${escapeIdentifier(schema)}`,
  })

const missingTables = (facts: Facts): Finding => {
  const vanished = migrationState(facts, 'create-chat-tables') === 'applied'
  return finding('error', 'chat_tables_missing', {
    object: `schema ${escapeIdentifier(facts.schema)}`,
    expected: `tables ${CHAT_TABLES.map(escapeIdentifier).join(', ')}`,
    actual: vanished
      ? 'none of them, although the history says that they were there'
      : 'none of them: the database is empty, or it is the wrong database or --schema',
    help: vanished ? 'restore them from a backup, or name their schema with --schema' : commandLine('migrate', facts),
  })
}

const missingTable = ({ schema }: Facts, table: string): Finding =>
  finding('error', 'table_missing', {
    object: `table ${escapeIdentifier(table)}`,
    expected: `in schema ${escapeIdentifier(schema)}`,
    actual: 'missing',
    help: 'create it as migrations/1_create-chat-tables.sql does, or restore it from a backup',
  })
