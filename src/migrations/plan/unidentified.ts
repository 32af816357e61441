import { escapeIdentifier, qualified } from '../../database/identifier.js'
import type { OwnClient } from '../own/own-client.js'
import { LACKS, readUnidentified, type UnidentifiedTable } from '../in-use/replica-identity.js'
import { sql, type Next } from '../../next-step.js'
import type { Obstacle } from './obstacle.js'

/**
 * Reads the published tables whose updates and deletes the server rejects. chatkeep's own are only noted: the plan repairs them
 * first, and an archive that cannot be written to ends a rollback before it drops anything.
 * @param rewrites the application's tables that the plan updates: there it would fail halfway
 */
export const readUnidentifiedTables = async (
  client: OwnClient,
  schema: string,
  rewrites: readonly string[],
): Promise<readonly Obstacle[]> =>
  (await readUnidentified(client, schema)).map((found) => ({
    code: 'replica_identity_missing',
    effect: rewrites.includes(found.table) && found.schema !== client.own.schema ? 'refused' : 'note',
    text: describe(found),
    next: wayOut(found),
  }))

const describe = ({ schema, table, publication, lacks }: UnidentifiedTable): string => {
  return `the server rejects every UPDATE and DELETE of ${qualified(schema, table)}, which ${escapeIdentifier(publication)} publishes: ${LACKS[lacks]}`
}

const wayOut = ({ schema, table, lacks }: UnidentifiedTable): Next =>
  lacks === 'columns'
    ? 'add its primary key to the list'
    : sql(`ALTER TABLE ${qualified(schema, table)} REPLICA IDENTITY FULL`, 'first')
