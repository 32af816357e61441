import { createHash } from 'node:crypto'
import { escapeIdentifier, qualified } from '../database/identifier.js'

/** The qualified names of the application's tables and of chatkeep's own objects, quoted for SQL. */
export interface OwnNames {
  /** The application's schema. */
  readonly application: string
  /** Its tables. */
  readonly message: string
  readonly client: string
  readonly user: string
  /** The schema that holds them, unquoted. */
  readonly schema: string
  /** The history that postgres-migrations reads and writes. */
  readonly migrations: string
  /** Who migrated or rolled back, and when. */
  readonly runs: string
  /** The clients that were created for guests. */
  readonly guestClients: string
  /** Names by which clients were known before: of a client that was renamed, and of one that was merged into another. */
  readonly clientAliases: string
  /** The clients that were merged into others. */
  readonly mergedClients: string
  /** Which messages a merge moved, so that it can be undone. */
  readonly movedMessages: string
  /** The keys of messages that were edited or deleted, with the hash of what was sent first. */
  readonly changedMessages: string
  /** The ids of clients that messages name, and that no client had when they were stored. */
  readonly wantedClients: string
  /** The idempotency keys of a partitioned "ChatMessage"; the name of the table without its schema is `MESSAGE_KEYS`. */
  readonly messageKeys: string
  /** What a rollback archived: one row per message. */
  readonly archive: string
  /** The clients that a rollback created. */
  readonly archivedClients: string
  /** The function of the trigger that archives new writes while a rollback runs. */
  readonly capture: string
  /** The sequence that counts the writes that the trigger could not archive. */
  readonly missedWrites: string
}

/** The table of idempotency keys, without its schema. */
export const MESSAGE_KEYS = 'message_keys'

/** The tables of the life of clients and messages, without their schema. */
export const CLIENT_ALIASES = 'client_aliases'
export const MERGED_CLIENTS = 'merged_clients'
export const MOVED_MESSAGES = 'moved_messages'
export const CHANGED_MESSAGES = 'changed_messages'
export const WANTED_CLIENTS = 'wanted_clients'

/** The function of the trigger that archives new writes, without its schema. */
export const CAPTURE_FUNCTION = 'capture'

/** The sequence of missed writes, without its schema. */
export const MISSED_WRITES = 'missed_writes'

/** The longest name that PostgreSQL keeps, in bytes. */
const NAME_LIMIT = 63

/**
 * The schema of chatkeep's own objects: `chatkeep` for an application in `public`, else `chatkeep_` and the name of the
 * application's schema. So several applications in one database stay apart, each with the owner of its own tables.
 */
export const ownSchema = (schema: string): string => {
  if (schema === 'public') return 'chatkeep'
  const name = `chatkeep_${schema}`
  if (Buffer.byteLength(name) <= NAME_LIMIT) return name
  return `chatkeep_${createHash('sha256').update(schema).digest('hex').slice(0, 32)}`
}

export const ownNamesFor = (applicationSchema: string): OwnNames => {
  const schema = ownSchema(applicationSchema)
  return {
    application: escapeIdentifier(applicationSchema),
    message: qualified(applicationSchema, 'ChatMessage'),
    client: qualified(applicationSchema, 'Client'),
    user: qualified(applicationSchema, 'User'),
    schema,
    migrations: qualified(schema, 'migrations'),
    runs: qualified(schema, 'runs'),
    guestClients: qualified(schema, 'guest_clients'),
    clientAliases: qualified(schema, CLIENT_ALIASES),
    mergedClients: qualified(schema, MERGED_CLIENTS),
    movedMessages: qualified(schema, MOVED_MESSAGES),
    changedMessages: qualified(schema, CHANGED_MESSAGES),
    wantedClients: qualified(schema, WANTED_CLIENTS),
    messageKeys: qualified(schema, MESSAGE_KEYS),
    archive: qualified(schema, 'archive'),
    archivedClients: qualified(schema, 'archived_clients'),
    capture: qualified(schema, CAPTURE_FUNCTION),
    missedWrites: qualified(schema, MISSED_WRITES),
  }
}

/** The schema, quoted for SQL. */
export const quotedSchema = ({ schema }: OwnNames): string => escapeIdentifier(schema)
