import {
  CHANGED_MESSAGES,
  CLIENT_ALIASES,
  MERGED_CLIENTS,
  MOVED_MESSAGES,
  WANTED_CLIENTS,
} from '../../persistence/own-names.js'
import type { OwnNames } from '../../persistence/own-names.js'
import type { OwnTable } from './own-table.js'

/** Names by which clients were known before they were renamed or merged: what is written under one belongs to that client. */
const clientAliases: OwnTable = {
  name: CLIENT_ALIASES,
  columns: [
    ['username', 'text', true],
    ['clientId', 'bigint', true],
    ['at', 'timestamp with time zone', true],
  ],
  key: 'username',
  create: (names) => [
    `CREATE TABLE ${names.clientAliases} (
  "username" text PRIMARY KEY,
  "clientId" bigint NOT NULL,
  "at" timestamptz NOT NULL DEFAULT now()
)`,
    `CREATE INDEX ON ${names.clientAliases} ("clientId")`,
  ],
  granted: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  harmless: [],
  temporary: false,
}

/** Clients that were merged into another one: what comes for one, by id or by name, belongs to the other. */
const mergedClients: OwnTable = {
  name: MERGED_CLIENTS,
  columns: [
    ['clientId', 'bigint', true],
    ['intoClientId', 'bigint', true],
    ['at', 'timestamp with time zone', true],
  ],
  key: 'clientId',
  create: (names) => [
    `CREATE TABLE ${names.mergedClients} (
  "clientId" bigint PRIMARY KEY,
  "intoClientId" bigint NOT NULL,
  "at" timestamptz NOT NULL DEFAULT now()
)`,
    `CREATE INDEX ON ${names.mergedClients} ("intoClientId")`,
  ],
  granted: ['SELECT', 'INSERT', 'UPDATE'],
  harmless: ['DELETE'],
  temporary: false,
}

/** The messages that a merge moved, a row for each batch: with them a person can undo it. */
const movedMessages: OwnTable = {
  name: MOVED_MESSAGES,
  columns: [
    ['id', 'uuid', true],
    ['clientId', 'bigint', true],
    ['intoClientId', 'bigint', true],
    ['at', 'timestamp with time zone', true],
    ['messageIds', 'bigint[]', true],
  ],
  key: 'id',
  create: (names) => [
    `CREATE TABLE ${names.movedMessages} (
  "id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  "clientId" bigint NOT NULL,
  "intoClientId" bigint NOT NULL,
  "at" timestamptz NOT NULL DEFAULT now(),
  "messageIds" bigint[] NOT NULL
)`,
    `CREATE INDEX ON ${names.movedMessages} ("clientId")`,
  ],
  granted: ['SELECT', 'INSERT'],
  harmless: ['DELETE'],
  temporary: false,
}

// Only an erasure looks there. The rows of an earlier version have no hash, and cost its index nothing.
const indexGuestHash = ({ changedMessages }: OwnNames): string =>
  `CREATE INDEX ON ${changedMessages} ("guestHash") WHERE "guestHash" IS NOT NULL`

/**
 * The keys of messages that were edited or deleted. The hash is that of the message as it was first sent: sent again, it is the
 * same message still, and is not stored a second time. By the hash of their name an erasure finds a guest.
 */
const changedMessages: OwnTable = {
  name: CHANGED_MESSAGES,
  columns: [
    ['idempotencyKey', 'text', true],
    ['messageId', 'bigint', true],
    ['createdAt', 'timestamp without time zone', true],
    ['clientId', 'bigint', false],
    ['bodyHash', 'bigint', true],
    ['editedAt', 'timestamp with time zone', false],
    ['deletedAt', 'timestamp with time zone', false],
    ['guestHash', 'bigint', false],
  ],
  key: 'idempotencyKey',
  create: (names) => [
    `CREATE TABLE ${names.changedMessages} (
  "idempotencyKey" text PRIMARY KEY,
  "messageId" bigint NOT NULL,
  "createdAt" timestamp NOT NULL,
  "clientId" bigint,
  "bodyHash" bigint NOT NULL,
  "editedAt" timestamptz,
  "deletedAt" timestamptz,
  "guestHash" bigint
)`,
    `CREATE INDEX ON ${names.changedMessages} ("clientId")`,
    indexGuestHash(names),
  ],
  added: {
    column: 'guestHash',
    add: (names) => [`ALTER TABLE ${names.changedMessages} ADD COLUMN "guestHash" bigint`, indexGuestHash(names)],
  },
  granted: ['SELECT', 'INSERT', 'UPDATE'],
  harmless: ['DELETE'],
  temporary: false,
}

/**
 * The clients that messages name by an id that no client had when they were stored, as while a transaction is inserting it. The key
 * is that of the message, which keeps it also where a rollback moved it out and back; "createdAt" is the message's, and finds its
 * partition. "at" is when it was stored: a client that was made later is not the one that was meant.
 */
const wantedClients: OwnTable = {
  name: WANTED_CLIENTS,
  columns: [
    ['idempotencyKey', 'text', true],
    ['createdAt', 'timestamp without time zone', true],
    ['clientId', 'bigint', true],
    ['at', 'timestamp with time zone', true],
  ],
  key: 'idempotencyKey',
  create: (names) => [
    `CREATE TABLE ${names.wantedClients} (
  "idempotencyKey" text PRIMARY KEY,
  "createdAt" timestamp NOT NULL,
  "clientId" bigint NOT NULL,
  "at" timestamptz NOT NULL DEFAULT clock_timestamp()
)`,
    `CREATE INDEX ON ${names.wantedClients} ("clientId")`,
  ],
  granted: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  harmless: [],
  temporary: false,
}

/** The tables of what happens to clients and messages after they were stored. */
export const LIFECYCLE_TABLES: readonly OwnTable[] = [
  clientAliases,
  mergedClients,
  movedMessages,
  changedMessages,
  wantedClients,
]
