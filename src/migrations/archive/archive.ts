import { onlyRow } from '../../database/rows.js'
import { CLIENT_GUARD } from '../../persistence/errors.js'
import { CAPTURE_FUNCTION, MISSED_WRITES, type OwnNames } from '../../persistence/own-names.js'
import { runInApplicationPath } from '../running/application-path.js'
import type { OwnClient } from '../own/own-client.js'

/**
 * The archive keeps data that the older schema cannot hold, in chatkeep's own schema. `archive`: one row per message with
 * guest data, a key or no client. `archived_clients`: clients that the rollback created. The trigger `chatkeep_capture`
 * archives new writes while the rollback runs. The guard: a CHECK that every message has a client.
 */
export const GUARD = CLIENT_GUARD

// NOT VALID checks only new rows; VALIDATE then reads the old ones without blocking writers.
export const addGuard = ({ message }: OwnNames): string =>
  `ALTER TABLE ${message} ADD CONSTRAINT "${GUARD}" CHECK ("clientId" IS NOT NULL) NOT VALID`
export const validateGuard = ({ message }: OwnNames): string => `ALTER TABLE ${message} VALIDATE CONSTRAINT "${GUARD}"`

/** Name of the trigger that archives new writes. */
export const CAPTURE_TRIGGER = 'chatkeep_capture'

const hasRelation = (name: string, kind: 'r' | 'S'): string => `
    EXISTS (SELECT FROM pg_catalog.pg_class AS c
            WHERE c.relnamespace = own.oid AND c.relname = '${name}' AND c.relkind = '${kind}')`

// Looks names up in the catalog: a role without USAGE on chatkeep's schema can read it, too.
const SELECT_OBJECTS = `
  SELECT ${hasRelation('archive', 'r')} AS "archive",
    ${hasRelation(MISSED_WRITES, 'S')} AS "missedWrites",
    EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = own.oid AND p.proname = '${CAPTURE_FUNCTION}') AS "capture",
    EXISTS (SELECT FROM pg_catalog.pg_trigger
            WHERE tgrelid = to_regclass($2) AND tgname = '${CAPTURE_TRIGGER}') AS "trigger",
    EXISTS (SELECT FROM pg_catalog.pg_constraint
            WHERE conrelid = to_regclass($2) AND conname = '${GUARD}') AS "guard"
  FROM (SELECT 1) AS one
  LEFT JOIN pg_catalog.pg_namespace AS own ON own.nspname = $1`

/** Which objects of a rollback exist. */
export interface ArchiveObjects {
  readonly archive: boolean
  readonly missedWrites: boolean
  readonly capture: boolean
  readonly trigger: boolean
  readonly guard: boolean
}

export const readArchiveObjects = async (client: OwnClient): Promise<ArchiveObjects> =>
  onlyRow(await client.query<ArchiveObjects>(SELECT_OBJECTS, [client.own.schema, client.own.message]))

/** Drops the guard in the caller's transaction. */
export const dropGuard = (client: OwnClient): Promise<void> =>
  runInApplicationPath(client, [dropGuardStatement(client.own)])

export const dropGuardStatement = ({ message }: Pick<OwnNames, 'message'>): string =>
  `ALTER TABLE ${message} DROP CONSTRAINT IF EXISTS "${GUARD}"`

/** Drops the archive in the caller's transaction. */
export const dropArchive = (client: OwnClient): Promise<void> =>
  runInApplicationPath(client, [dropArchiveTables(client.own)])

export const dropArchiveTables = ({ archive, archivedClients }: OwnNames): string =>
  `DROP TABLE IF EXISTS ${archive}, ${archivedClients}`

/** Size and checksum of the archive. The checksum does not depend on row order. */
export interface ArchiveSummary {
  readonly messages: number
  readonly removedMessages: number
  readonly linkedMessages: number
  readonly clients: number
  readonly checksum: string
}

// Sums the first 60 bits of each row's MD5: constant memory for any number of rows.
export const summarise = ({ archive, archivedClients }: OwnNames): string => `
  SELECT count(*)::integer AS "messages",
    count("removedRow")::integer AS "removedMessages",
    count("linkedClientId")::integer AS "linkedMessages",
    (SELECT count(*)::integer FROM ${archivedClients}) AS "clients",
    coalesce(sum(('x' || left(md5(a::text), 15))::bit(60)::bigint), 0)::text AS "checksum"
  FROM ${archive} AS a`

/** Counts and checksums the archive, which must exist. */
export const summariseArchive = async (client: OwnClient): Promise<ArchiveSummary> =>
  onlyRow(await client.query<ArchiveSummary>(summarise(client.own)))

/** How many messages the archive holds; 0 without an archive. */
export const countArchivedMessages = async (client: OwnClient, { archive }: ArchiveObjects): Promise<number> =>
  archive ? (await summariseArchive(client)).messages : 0
