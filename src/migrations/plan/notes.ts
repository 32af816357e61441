import type { Queryable } from '../../database/connection.js'
import { charactersIn, consequenceOf, moveToUtf8, readEncoding } from '../../database/encoding/encoding.js'
import { escapeIdentifier } from '../../database/identifier.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { unverifiedServer } from '../../database/unverified-server.js'
import type { OwnState } from '../own/own-state.js'
import type { Obstacle } from './obstacle.js'
import { readPublications, type ColumnChange } from './publications.js'
import { sql } from '../../next-step.js'

/** Reads what the reader of a plan should know although it does not prevent the plan. */
export const readNotes = async (
  client: Queryable,
  schema: string,
  own: OwnState,
  change: ColumnChange,
): Promise<readonly Obstacle[]> => [
  ...strangersNote(schema, own),
  ...rightsNote(own),
  ...(await readPublications(client, schema, change)),
]

const strangersNote = (schema: string, { strangers }: OwnState): readonly Obstacle[] =>
  strangers.length === 0
    ? []
    : [
        {
          code: 'schema_open_to_others',
          effect: 'note',
          text: `${strangers.join(', ')} may create objects in schema ${escapeIdentifier(schema)}; chatkeep runs none of them, but other programs may`,
          next: sql(revokeCreate(schema, strangers), 'to end this'),
        },
      ]

/** The statement that closes the application's schema to roles that do not own it. */
export const revokeCreate = (schema: string, strangers: readonly string[]): string =>
  `REVOKE CREATE ON SCHEMA ${escapeIdentifier(schema)} FROM ${strangers.join(', ')}`

const rightsNote = ({ exceedsOwner, role, owner }: OwnState): readonly Obstacle[] =>
  exceedsOwner
    ? [
        {
          code: 'runs_as_superuser',
          effect: 'note',
          text: `${escapeIdentifier(role)} is a superuser, and "ChatMessage" belongs to ${escapeIdentifier(owner)}: triggers that the plan fires run with the rights of a superuser. Connect as ${escapeIdentifier(owner)} to avoid this`,
        },
      ]
    : []

/** What the connection itself leaves open. */
export const connectionNotes = (target: ConnectionTarget): readonly Obstacle[] => {
  const text = unverifiedServer(target)
  return text === undefined ? [] : [{ code: 'server_not_verified', effect: 'note', text }]
}

/** What the encoding of the database costs. */
export const encodingNotes = async (client: Queryable): Promise<readonly Obstacle[]> => {
  const found = await readEncoding(client)
  if (charactersIn(found.encoding) === 'kept') return []
  const text = `the database is encoded in ${found.encoding}, not in UTF8: ${consequenceOf(found.encoding)}`
  return [{ code: 'encoding_not_utf8', effect: 'note', text, next: moveToUtf8(found) }]
}
