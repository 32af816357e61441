import { qualified } from '../../database/identifier.js'
import { MESSAGE_KEYS } from '../../persistence/own-names.js'
import { LIFECYCLE_TABLES } from './lifecycle-tables.js'
import type { OwnTable } from './own-table.js'

/** The history of postgres-migrations, as that library creates it; its row 0 is the library's own migration. */
const migrations: OwnTable = {
  name: 'migrations',
  columns: [
    ['id', 'integer', true],
    ['name', 'character varying(100)', true],
    ['hash', 'character varying(40)', true],
    ['executed_at', 'timestamp without time zone', false],
  ],
  key: 'id',
  create: (names) => [
    `CREATE TABLE ${names.migrations} (
  "id" integer PRIMARY KEY,
  "name" varchar(100) UNIQUE NOT NULL,
  "hash" varchar(40) NOT NULL,
  "executed_at" timestamp DEFAULT current_timestamp
)`,
  ],
  granted: [],
  harmless: ['SELECT'],
  temporary: false,
}

/** Who migrated or rolled back, and when: append-only. A rollback deletes rows from `migrations`; this table keeps them. */
const runs: OwnTable = {
  name: 'runs',
  columns: [
    ['id', 'integer', true],
    ['at', 'timestamp with time zone', true],
    ['role', 'text', true],
    ['version', 'text', true],
    ['action', 'text', true],
    ['migration', 'text', false],
    ['durationMs', 'integer', true],
    ['detail', 'jsonb', false],
  ],
  key: 'id',
  // The id is not from a sequence, whose value a logical upgrade would not carry over.
  create: (names) => [
    `CREATE TABLE ${names.runs} (
  "id" integer PRIMARY KEY,
  "at" timestamptz NOT NULL DEFAULT clock_timestamp(),
  "role" text NOT NULL DEFAULT session_user,
  "version" text NOT NULL,
  "action" text NOT NULL,
  "migration" text,
  "durationMs" integer NOT NULL,
  "detail" jsonb
)`,
  ],
  granted: [],
  harmless: ['SELECT'],
  temporary: false,
}

/**
 * Clients that were created for guests. A later message with such a client's name comes from the same guest; under the name
 * of any other client it is marked as unverified.
 */
const guestClients: OwnTable = {
  name: 'guest_clients',
  columns: [['clientId', 'bigint', true]],
  key: 'clientId',
  create: (names) => [`CREATE TABLE ${names.guestClients} ("clientId" bigint PRIMARY KEY)`],
  granted: ['SELECT', 'INSERT'],
  // For a role that erases persons.
  harmless: ['DELETE'],
  temporary: false,
}

/** One row for each message with guest data, a key or no client. Its time tells it from another message that got its id later. */
const archive: OwnTable = {
  name: 'archive',
  columns: [
    ['messageId', 'bigint', true],
    ['clientId', 'bigint', false],
    ['linkedClientId', 'bigint', false],
    ['guestUsername', 'text', false],
    ['guestPhone', 'text', false],
    ['idempotencyKey', 'text', false],
    ['guestUnverified', 'boolean', false],
    ['removedRow', 'json', false],
    ['createdAt', 'timestamp without time zone', false],
  ],
  key: 'messageId',
  create: (names) => [
    `CREATE TABLE ${names.archive} (
  "messageId" bigint PRIMARY KEY,
  "clientId" bigint,
  "linkedClientId" bigint,
  "guestUsername" text,
  "guestPhone" text,
  "idempotencyKey" text,
  "guestUnverified" boolean,
  "removedRow" json,
  "createdAt" timestamp
)`,
    // No name of its own: where an archive was renamed, its index still has it.
    `CREATE INDEX ON ${names.archive} ("guestUsername")
  WHERE "clientId" IS NULL AND "linkedClientId" IS NULL`,
  ],
  granted: [],
  harmless: [],
  temporary: true,
}

const archivedClients: OwnTable = {
  name: 'archived_clients',
  columns: [
    ['clientId', 'bigint', true],
    ['row', 'json', true],
  ],
  key: 'clientId',
  create: (names) => [
    `CREATE TABLE ${names.archivedClients} (
  "clientId" bigint PRIMARY KEY,
  "row" json NOT NULL
)`,
  ],
  granted: [],
  harmless: [],
  temporary: true,
}

/** Enough for the largest chats: each part of a table of 10^9 keys has an index of a few gigabytes, to be rebuilt on its own. */
const KEY_PARTS: readonly string[] = Array.from({ length: 16 }, (_, part) => `${MESSAGE_KEYS}_${part}`)

/**
 * The idempotency keys of messages in a partitioned table, whose unique index would have to contain the time: it would take a
 * key twice around midnight. A key outlives its message when a partition is dropped; then client and hash tell whether another message comes
 * with the key. The time finds the partition.
 */
export const messageKeys: OwnTable = {
  name: MESSAGE_KEYS,
  columns: [
    ['idempotencyKey', 'text', true],
    ['messageId', 'bigint', true],
    ['createdAt', 'timestamp without time zone', true],
    ['clientId', 'bigint', false],
    ['bodyHash', 'bigint', true],
  ],
  key: 'idempotencyKey',
  parts: KEY_PARTS,
  create: (names) => [
    `CREATE TABLE ${names.messageKeys} (
  "idempotencyKey" text PRIMARY KEY,
  "messageId" bigint NOT NULL,
  "createdAt" timestamp NOT NULL,
  "clientId" bigint,
  "bodyHash" bigint NOT NULL
) PARTITION BY HASH ("idempotencyKey")`,
    ...KEY_PARTS.map(
      (part, index) =>
        `CREATE TABLE ${qualified(names.schema, part)} PARTITION OF ${names.messageKeys} FOR VALUES WITH (MODULUS ${KEY_PARTS.length}, REMAINDER ${index})`,
    ),
  ],
  granted: ['SELECT', 'INSERT'],
  // For a role that erases persons.
  harmless: ['DELETE'],
  temporary: false,
}

/** Every table that chatkeep keeps in its own schema. */
export const OWN_TABLES: readonly OwnTable[] = [
  migrations,
  runs,
  guestClients,
  ...LIFECYCLE_TABLES,
  archive,
  archivedClients,
  messageKeys,
]
