import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { CLIENT_GUARD } from '../../persistence/errors.js'

/**
 * The archive keeps data that the older schema cannot hold. All statements expect our schema first in the search path.
 * `chatkeep_archive`: one row per message with guest data, a key or no client. `chatkeep_archive_client`: clients that the
 * rollback created. `chatkeep_archive_guest_client`: clients created for guests before, in a table that a rollback file
 * renames. `chatkeep_capture`: a trigger that archives new writes while the rollback runs. The guard: a CHECK that every
 * message has a client.
 */
export const GUARD = CLIENT_GUARD

// NOT VALID checks only new rows; VALIDATE then reads the old ones without blocking writers.
export const ADD_GUARD = `ALTER TABLE "ChatMessage" ADD CONSTRAINT "${GUARD}" CHECK ("clientId" IS NOT NULL) NOT VALID`
export const VALIDATE_GUARD = `ALTER TABLE "ChatMessage" VALIDATE CONSTRAINT "${GUARD}"`

export const CREATE_ARCHIVE = [
  `CREATE TABLE IF NOT EXISTS "chatkeep_archive" (
    "messageId" bigint PRIMARY KEY,
    "clientId" bigint,
    "linkedClientId" bigint,
    "guestUsername" text,
    "guestPhone" text,
    "idempotencyKey" text,
    "guestUnverified" boolean,
    "removedRow" json
  )`,
  `CREATE INDEX IF NOT EXISTS "chatkeep_archive_unlinked_idx" ON "chatkeep_archive" ("guestUsername")
    WHERE "clientId" IS NULL AND "linkedClientId" IS NULL`,
  `CREATE TABLE IF NOT EXISTS "chatkeep_archive_client" (
    "clientId" bigint PRIMARY KEY,
    "row" json NOT NULL
  )`,
]

const SELECT_OBJECTS = `
  SELECT to_regclass('"chatkeep_archive"') IS NOT NULL AS "archive",
    to_regclass('"chatkeep_archive_guest_client"') IS NOT NULL AS "guestClients",
    to_regprocedure('"chatkeep_capture"()') IS NOT NULL AS "capture",
    EXISTS (SELECT FROM pg_catalog.pg_trigger
            WHERE tgrelid = to_regclass('"ChatMessage"') AND tgname = 'chatkeep_capture') AS "trigger",
    EXISTS (SELECT FROM pg_catalog.pg_constraint
            WHERE conrelid = to_regclass('"ChatMessage"') AND conname = '${GUARD}') AS "guard"`

/** Which objects of a rollback exist. */
export interface ArchiveObjects {
  readonly archive: boolean
  /** The archived table of clients created for guests. */
  readonly guestClients: boolean
  readonly capture: boolean
  readonly trigger: boolean
  readonly guard: boolean
}

export const readArchiveObjects = async (client: Queryable): Promise<ArchiveObjects> =>
  onlyRow(await client.query<ArchiveObjects>(SELECT_OBJECTS))

/** Creates the missing archive tables. Some may already exist without the others. */
export const ensureArchiveTables = async (client: Queryable): Promise<void> => {
  for (const statement of CREATE_ARCHIVE) await client.query(statement)
  for (const table of ['chatkeep_archive', 'chatkeep_archive_client']) await revokeFromOthers(client, table)
}

// Default privileges of hosted databases grant new tables to web roles.
const SELECT_GRANTEES = `
  SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS "grantee"
  FROM pg_catalog.pg_class AS c, aclexplode(c.relacl) AS a
  WHERE c.oid = to_regclass($1) AND a.grantee <> c.relowner`

const revokeFromOthers = async (client: Queryable, table: string): Promise<void> => {
  const { rows } = await client.query<{ grantee: string }>(SELECT_GRANTEES, [`"${table}"`])
  for (const { grantee } of rows) await client.query(`REVOKE ALL ON "${table}" FROM ${grantee}`)
}

export const dropGuard = async (client: Queryable): Promise<void> => {
  await client.query(`ALTER TABLE "ChatMessage" DROP CONSTRAINT IF EXISTS "${GUARD}"`)
}

export const dropArchive = async (client: Queryable): Promise<void> => {
  await client.query(
    'DROP TABLE IF EXISTS "chatkeep_archive", "chatkeep_archive_client", "chatkeep_archive_guest_client"',
  )
}

/** Size and checksum of the archive. The checksum does not depend on row order. */
export interface ArchiveSummary {
  readonly messages: number
  readonly removedMessages: number
  readonly linkedMessages: number
  readonly clients: number
  /** Clients created for guests before the rollback. */
  readonly guestClients: number
  readonly checksum: string
}

// Sums the first 60 bits of each row's MD5: constant memory for any number of rows.
const SUMMARISE = `
  SELECT count(*)::integer AS "messages",
    count("removedRow")::integer AS "removedMessages",
    count("linkedClientId")::integer AS "linkedMessages",
    (SELECT count(*)::integer FROM "chatkeep_archive_client") AS "clients",
    coalesce(sum(('x' || left(md5(a::text), 15))::bit(60)::bigint), 0)::text AS "checksum"
  FROM "chatkeep_archive" AS a`

const COUNT_GUEST_CLIENTS = `SELECT count(*)::integer AS "count" FROM "chatkeep_archive_guest_client"`

interface Count {
  readonly count: number
}

/** Counts and checksums the archive, which must exist. */
export const summariseArchive = async (client: Queryable): Promise<ArchiveSummary> => {
  const { guestClients } = await readArchiveObjects(client)
  const summary = onlyRow(await client.query<Omit<ArchiveSummary, 'guestClients'>>(SUMMARISE))
  return { ...summary, guestClients: guestClients ? onlyRow(await client.query<Count>(COUNT_GUEST_CLIENTS)).count : 0 }
}

/** How many messages the archive holds; 0 without an archive. */
export const countArchivedMessages = async (client: Queryable, { archive }: ArchiveObjects): Promise<number> =>
  archive ? (await summariseArchive(client)).messages : 0
