import type { Queryable } from '../../database/connection.js'
import { escapeIdentifier } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { ownNamesFor, ownSchema } from '../../persistence/own-names.js'
import { OWN_TABLES } from '../own/own-tables.js'
import type { DraftStep } from './draft-steps.js'
import type { Obstacle } from './obstacle.js'
import { messageCommands } from './schema-changes.js'

/** Whether a plan adds columns to messages or drops some; undefined when it does neither. */
export type ColumnChange = 'adds' | 'drops' | undefined

/** What the statements of a plan do to the columns of messages. */
export const columnChange = (drafts: readonly DraftStep[]): ColumnChange => {
  const commands = messageCommands(drafts)
  if (commands.includes('AT_AddColumn')) return 'adds'
  return commands.includes('AT_DropColumn') ? 'drops' : undefined
}

// Before PostgreSQL 15 there are no column lists.
const publicationsOf = (columns: 'all' | 'listed'): string => `
    ARRAY(
      SELECT p.pubname::text
      FROM pg_catalog.pg_publication AS p
      WHERE EXISTS (
        SELECT FROM pg_catalog.pg_publication_tables AS t
        WHERE t.pubname = p.pubname AND t.schemaname = $1 AND t.tablename = 'ChatMessage')
      AND ${columns === 'all' ? 'NOT EXISTS' : 'EXISTS'} (
        SELECT FROM pg_catalog.pg_publication_rel AS r
        WHERE r.prpubid = p.oid AND r.prrelid = c.oid AND to_jsonb(r) ->> 'prattrs' IS NOT NULL)
      ORDER BY 1)`

const SELECT_REPLICATION = `
  SELECT ${publicationsOf('all')} AS "publications", ${publicationsOf('listed')} AS "ofLists",
    ARRAY(SELECT p.pubname::text FROM pg_catalog.pg_publication AS p WHERE p.puballtables ORDER BY 1) AS "ofAllTables",
    ARRAY(
      SELECT format('%I sends only messages WHERE %s', t.pubname, to_jsonb(t) ->> 'rowfilter')
      FROM pg_catalog.pg_publication_tables AS t
      WHERE t.schemaname = $1 AND t.tablename = 'ChatMessage' AND to_jsonb(t) ->> 'rowfilter' IS NOT NULL
      ORDER BY 1) AS "filters",
    EXISTS (
      SELECT FROM pg_catalog.pg_class AS a
      JOIN pg_catalog.pg_namespace AS o ON o.oid = a.relnamespace
      WHERE o.nspname = $2 AND a.relname = 'archive'
    ) AS "archive",
    ARRAY(
      SELECT format('%I%s', s.slot_name, CASE WHEN s.active THEN '' ELSE ' (inactive)' END)
      FROM pg_catalog.pg_replication_slots AS s
      WHERE s.slot_type = 'logical' AND s.database = current_database() AND s.slot_name !~ '^pg_[0-9]+_sync_'
      ORDER BY 1
    ) AS "slots",
    ARRAY(
      SELECT s.subname::text
      FROM pg_catalog.pg_subscription_rel AS r
      JOIN pg_catalog.pg_subscription AS s ON s.oid = r.srsubid
      WHERE r.srrelid = c.oid
      ORDER BY 1
    ) AS "subscriptions"
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = $1
  LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'ChatMessage'`

interface Replication {
  readonly publications: readonly string[]
  /** Those with a column list, which do not send new columns. */
  readonly ofLists: readonly string[]
  /** Those with a row filter, and the filter. */
  readonly filters: readonly string[]
  /** Those that publish every table, chatkeep's own as well. */
  readonly ofAllTables: readonly string[]
  /** Whether a rollback left an archive. */
  readonly archive: boolean
  /** Names of logical slots, quoted for SQL. */
  readonly slots: readonly string[]
  readonly subscriptions: readonly string[]
}

/** Reads who publishes or receives messages: a subscriber that lacks a column it is sent stops, and its slot retains all WAL. */
export const readPublications = async (
  client: Queryable,
  schema: string,
  change: ColumnChange,
): Promise<readonly Obstacle[]> => {
  if (change === undefined) return []
  const { publications, ofLists, filters, ofAllTables, archive, slots, subscriptions } = onlyRow(
    await client.query<Replication>(SELECT_REPLICATION, [schema, ownSchema(schema)]),
  )
  const command = change === 'adds' ? 'chatkeep migrate' : 'chatkeep rollback'
  const published = `"ChatMessage" is published by ${list(publications)}${slots.length === 0 ? '' : ` (logical slots: ${slots.join(', ')})`}`
  const received = `"ChatMessage" receives rows through the subscription ${list(subscriptions)}`
  return [
    ...(publications.length === 0
      ? []
      : [
          note(
            change === 'adds'
              ? `${published}: a subscriber without the new columns stops at the first message and its slot retains all WAL. First run ${command} on each subscriber, then here`
              : `${published}: first run ${command} here, then on each subscriber that has caught up; one that drops the columns earlier stops`,
          ),
        ]),
    ...(change === 'adds' && ofLists.length > 0
      ? [
          note(
            `${list(ofLists)} publishes a list of columns of "ChatMessage" and does not send the new ones; a message without client stops a subscriber whose "clientId" is NOT NULL`,
          ),
        ]
      : []),
    ...(change === 'adds'
      ? filters.map((filter) => note(`${filter}: check that the messages without client are among them`))
      : []),
    ...((change === 'drops' || archive) && ofAllTables.length > 0
      ? [
          note(
            `${list(ofAllTables)} publishes the tables of the archive, too: a subscriber without them stops. First create them there (again, if its own migrate dropped them): ${archiveTables(schema)}`,
          ),
        ]
      : []),
    ...(subscriptions.length === 0
      ? []
      : [
          note(
            change === 'adds'
              ? `${received}: run ${command} here first, then on the publisher`
              : `${received}: first run ${command} on the publisher; while it still sends the columns, the subscription stops`,
          ),
        ]),
  ]
}

const archiveTables = (schema: string): string =>
  OWN_TABLES.filter(({ temporary }) => temporary)
    .flatMap(({ create }) => create(ownNamesFor(schema)))
    .filter((statement) => statement.startsWith('CREATE TABLE'))
    .map((statement) => `${statement.replaceAll(/\s+/g, ' ')};`)
    .join(' ')

const list = (names: readonly string[]): string => names.map(escapeIdentifier).join(', ')

const note = (text: string): Obstacle => ({ code: 'table_replicated', effect: 'note', text })
