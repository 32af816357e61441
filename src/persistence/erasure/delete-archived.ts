import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { packageVersion } from '../../package-root.js'
import { ownNamesFor, ownSchema } from '../own-names.js'
import { ARCHIVE_PLACES, bindOwn, type OwnRowsOf } from './own-rows.js'
import type { TableNeed } from './privileges.js'
import type { ErasureTables } from './tables.js'

/** What the seal of an archive needs. */
export const archiveNeeds = ({ schema, hasArchive }: ErasureTables): readonly TableNeed[] =>
  hasArchive ? [{ schema: ownSchema(schema), table: 'runs', privileges: ['SELECT', 'INSERT'], ofOwner: true }] : []

/**
 * Deletes a person from the archive of a rollback, in the caller's transaction, and seals it again: the checksum is a sum over its
 * rows, so what goes is subtracted. An archive that somebody changed stays recognisable as changed.
 * @param which `without phones` leaves the rows by whose phone the person is found, and the clients
 */
export const deleteArchived = async (
  client: Queryable,
  tables: ErasureTables,
  whose: OwnRowsOf,
  which: 'without phones' | 'all',
): Promise<void> => {
  if (!tables.hasArchive) return
  const { archive, archivedClients } = ownNamesFor(tables.schema)
  // The seal must be of the rows that are there; the checksum is over their text, in which only a time depends on a setting.
  await client.query(`LOCK TABLE ${archive} IN SHARE ROW EXCLUSIVE MODE; SET LOCAL DateStyle = 'ISO, MDY'`)
  const clients = bindOwn(ARCHIVE_PLACES.archivedClients.condition, whose)
  if (which === 'all')
    await deleteAndSeal(
      client,
      tables,
      `DELETE FROM ${archivedClients} AS a WHERE ${clients.where}`,
      clients.values,
      CLIENT,
    )
  const kept = which === 'all' ? '' : ' AND ("guestPhone" = ANY (:phones)) IS NOT TRUE'
  const rows = bindOwn(`(${ARCHIVE_PLACES.archive.condition})${kept}`, whose)
  // What is said of a message goes with it, as in the deletion of those that are in the application's table.
  for (const table of tables.forgettable)
    await client.query(
      `DELETE FROM ${qualified(ownSchema(tables.schema), table)} AS f
       WHERE f."idempotencyKey" IN (SELECT a."idempotencyKey" FROM ${archive} AS a WHERE ${rows.where})`,
      [...rows.values],
    )
  await deleteAndSeal(client, tables, `DELETE FROM ${archive} AS a WHERE ${rows.where}`, rows.values, MESSAGE)
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

// An archive that was never sealed, because its rollback was cut, or whose restore has begun, has no seal to keep.
const deleteAndSeal = async (
  client: Queryable,
  { schema }: ErasureTables,
  deletion: string,
  values: readonly unknown[],
  share: Share,
): Promise<void> => {
  const { runs } = ownNamesFor(schema)
  const columns = Object.entries(share) as readonly (readonly [keyof Share, string])[]
  const left = (name: string): string =>
    `((s."detail" ->> '${name}')::numeric - sum(g."${name}"))${name === 'checksum' ? '::text' : ''}`
  await client.query(
    `WITH gone AS (
       ${deletion}
       RETURNING ${columns.map(([name, sql]) => `${sql} AS "${name}"`).join(', ')}
     ), seal AS (
       SELECT r."action", r."detail" FROM ${runs} AS r
       WHERE r."action" IN ('archive begun', 'archive', 'restore begun')
       ORDER BY r."id" DESC
       LIMIT 1
     )
     INSERT INTO ${runs} ("id", "version", "action", "durationMs", "detail")
     SELECT (SELECT max(r."id") + 1 FROM ${runs} AS r), $${values.length + 1}, s."action", 0,
       (s."detail" - 'run') || jsonb_build_object('erased', count(*),
         ${columns.map(([name]) => `'${name}', ${left(name)}`).join(', ')})
     FROM seal AS s CROSS JOIN gone AS g
     WHERE s."action" = 'archive'
     GROUP BY s."action", s."detail"`,
    [...values, packageVersion()],
  )
}
