import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { packageVersion } from '../../package-root.js'
import { ownNamesFor, ownSchema } from '../own-names.js'
import type { Selection } from './delete-messages.js'
import { ARCHIVE_PLACES, bindOwn, type OwnRowsOf } from './own-rows.js'
import type { TableNeed } from './privileges.js'
import type { ErasureTables } from './tables.js'

/** What the seal of an archive needs. */
export const archiveNeeds = ({ schema, hasArchive }: ErasureTables): readonly TableNeed[] =>
  hasArchive ? [{ schema: ownSchema(schema), table: 'runs', privileges: ['SELECT', 'INSERT'], ofOwner: true }] : []

/** How many rows were deleted, and how many of them were whole messages, which the older schema cannot hold. */
export interface DeletedRows {
  readonly rows: number
  readonly messages: number
}

/** Why rows go, as the history of runs has it. */
type Cause = 'erased' | 'aged'

/**
 * Deletes a person from the archive of a rollback, in the caller's transaction, and seals it again: the checksum is a sum over its
 * rows, so what goes is subtracted. An archive that somebody changed stays recognisable as changed.
 * @param which `without phones` leaves the rows by whose phone the person is found, and the clients
 * @returns how many whole messages were deleted
 */
export const deleteArchived = async (
  client: Queryable,
  tables: ErasureTables,
  whose: OwnRowsOf,
  which: 'without phones' | 'all',
): Promise<number> => {
  if (!tables.hasArchive) return 0
  const { archivedClients } = ownNamesFor(tables.schema)
  await lockArchive(client, tables)
  const clients = bindOwn(ARCHIVE_PLACES.archivedClients.condition, whose)
  if (which === 'all')
    await deleteAndSeal(client, tables, {
      deletion: `DELETE FROM ${archivedClients} AS a WHERE ${clients.where}`,
      ...{ values: clients.values, share: CLIENT, cause: 'erased' },
    })
  const kept = which === 'all' ? '' : ' AND ("guestPhone" = ANY (:phones)) IS NOT TRUE'
  const { where: condition, values } = bindOwn(`(${ARCHIVE_PLACES.archive.condition})${kept}`, whose)
  return (await deleteArchivedMessages(client, tables, { condition, values }, 'erased')).messages
}

// The seal must be of the rows that are there; the checksum is over their text, in which only a time depends on a setting.
const lockArchive = async (client: Queryable, { schema }: ErasureTables): Promise<void> => {
  const { archive } = ownNamesFor(schema)
  await client.query(`LOCK TABLE ${archive} IN SHARE ROW EXCLUSIVE MODE; SET LOCAL DateStyle = 'ISO, MDY'`)
}

/** Deletes rows `a` of messages in the same way. @param selection finds the same rows as long as nobody changes them */
export const deleteFromArchive = async (
  client: Queryable,
  tables: ErasureTables,
  selection: Selection,
  cause: Cause,
): Promise<DeletedRows> => {
  await lockArchive(client, tables)
  return deleteArchivedMessages(client, tables, selection, cause)
}

const deleteArchivedMessages = async (
  client: Queryable,
  tables: ErasureTables,
  { condition, values }: Selection,
  cause: Cause,
): Promise<DeletedRows> => {
  const { archive } = ownNamesFor(tables.schema)
  // What is said of a message goes with it, as in the deletion of those that are in the application's table.
  for (const table of tables.forgettable)
    await client.query(
      `DELETE FROM ${qualified(ownSchema(tables.schema), table)} AS f
       WHERE f."idempotencyKey" IN (SELECT a."idempotencyKey" FROM ${archive} AS a WHERE ${condition})`,
      [...values],
    )
  const deletion = `DELETE FROM ${archive} AS a WHERE ${condition}`
  return deleteAndSeal(client, tables, { deletion, values, share: MESSAGE, cause })
}

/** What a deleted row takes from the figures of the seal. */
interface Share {
  readonly messages: string
  readonly removedMessages: string
  readonly linkedMessages: string
  readonly clients: string
  readonly checksum: string
}

const MESSAGE: Share = {
  messages: '1',
  removedMessages: 'CASE WHEN a."removedRow" IS NULL THEN 0 ELSE 1 END',
  linkedMessages: 'CASE WHEN a."linkedClientId" IS NULL THEN 0 ELSE 1 END',
  clients: '0',
  checksum: `('x' || pg_catalog.left(pg_catalog.md5(a::text), 15))::bit(60)::bigint`,
}
const CLIENT: Share = { messages: '0', removedMessages: '0', linkedMessages: '0', clients: '1', checksum: '0' }

interface Deletion {
  readonly deletion: string
  readonly values: readonly unknown[]
  readonly share: Share
  readonly cause: Cause
}

// An archive that was never sealed, because its rollback was cut, or whose restore has begun, has no seal to keep.
const deleteAndSeal = async (
  client: Queryable,
  { schema }: ErasureTables,
  { deletion, values, share, cause }: Deletion,
): Promise<DeletedRows> => {
  const { runs } = ownNamesFor(schema)
  const columns = Object.entries(share) as readonly (readonly [keyof Share, string])[]
  const left = (name: string): string =>
    `((s."detail" ->> '${name}')::numeric - sum(g."${name}"))${name === 'checksum' ? '::text' : ''}`
  const result = await client.query<DeletedRows>(
    `WITH gone AS (
       ${deletion}
       RETURNING ${columns.map(([name, sql]) => `${sql} AS "${name}"`).join(', ')}
     ), seal AS (
       SELECT r."action", r."detail" FROM ${runs} AS r
       WHERE r."action" IN ('archive begun', 'archive', 'restore begun')
       ORDER BY r."id" DESC
       LIMIT 1
     ), sealed AS (
       INSERT INTO ${runs} ("id", "version", "action", "durationMs", "detail")
       SELECT (SELECT max(r."id") + 1 FROM ${runs} AS r), $${values.length + 1}, s."action", 0,
         (s."detail" - '{run,erased,aged}'::text[]) || jsonb_build_object('${cause}', count(*),
           ${columns.map(([name]) => `'${name}', ${left(name)}`).join(', ')})
       FROM seal AS s CROSS JOIN gone AS g
       WHERE s."action" = 'archive'
       GROUP BY s."action", s."detail"
     )
     SELECT count(*)::integer AS "rows", coalesce(sum(g."removedMessages"), 0)::integer AS "messages" FROM gone AS g`,
    [...values, packageVersion()],
  )
  return onlyRow(result)
}
