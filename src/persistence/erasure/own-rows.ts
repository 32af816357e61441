import type { Queryable } from '../../database/connection.js'
import { qualified } from '../../database/identifier.js'
import { onlyRow } from '../../database/rows.js'
import { CHANGED_MESSAGES, ownSchema } from '../own-names.js'
import { guestHashSql } from '../keys/noted-key.js'
import { readByCursor } from './cursor.js'
import { toExactRow, type ExportedRow } from '../content/exact-row.js'
import type { Selection } from './delete-messages.js'
import type { TableNeed } from './privileges.js'
import type { ErasureTables } from './tables.js'

/** Rows of a person in a table of chatkeep's own. */
interface OwnPlace {
  readonly table: string
  /** With the names of the parameters: `:ids`, `:names`, `:guests`, `:others`, `:phones`, `:archived`, `:changed`, `:keysOfOthers`. */
  readonly condition: string | ((tables: ErasureTables) => string)
  /** Of these, what an export shows, where others are about somebody else. */
  readonly exported?: string
}

const OF_CLIENT = '"clientId" = ANY (:ids)'
const OF_EITHER = `${OF_CLIENT} OR "intoClientId" = ANY (:ids)`

// Without client, only what nobody else wrote under the name: as of the messages themselves.
const isHashOf = (names: string): string =>
  `"guestHash" = ANY (ARRAY(SELECT ${guestHashSql('n."name"')} FROM unnest(${names}) AS n ("name")))`
const IS_OF_OTHER = '"clientId" = ANY (:others)'
const OF_GUEST = `(${isHashOf(':guests')} AND (${IS_OF_OTHER}) IS NOT TRUE) OR ("clientId" IS NULL AND ${isHashOf(':names')})`

const CHANGED_PLACE: OwnPlace = {
  table: CHANGED_MESSAGES,
  condition: ({ hasGuestHash }) =>
    `${OF_CLIENT} OR "idempotencyKey" = ANY (:changed)${hasGuestHash ? ` OR ${OF_GUEST}` : ''}`,
}

/** Add a table with personal data: write its line here. Each may be missing. */
const OWN_PLACES: readonly OwnPlace[] = [
  { table: 'guest_clients', condition: OF_CLIENT },
  // The former name of somebody else goes with the client who has it now: else it would count as that one's again.
  { table: 'client_aliases', condition: `${OF_CLIENT} OR "username" = ANY (:names)`, exported: OF_CLIENT },
  { table: 'merged_clients', condition: OF_EITHER },
  { table: 'moved_messages', condition: OF_EITHER },
  { table: 'wanted_clients', condition: `${OF_CLIENT} AND "idempotencyKey" <> ALL (:keysOfOthers)` },
]

/** What a rollback archived. It is sealed: `deleteArchived` keeps the seal valid. */
export const ARCHIVE_PLACES = {
  archive: {
    table: 'archive',
    condition: `${OF_CLIENT} OR "linkedClientId" = ANY (:ids)
      OR ("guestUsername" = ANY (:guests) AND (${IS_OF_OTHER} OR "linkedClientId" = ANY (:others)) IS NOT TRUE)
      OR ("clientId" IS NULL AND ("guestUsername" = ANY (:names) OR "messageId" = ANY (:archived))) OR "guestPhone" = ANY (:phones)`,
  },
  archivedClients: {
    table: 'archived_clients',
    condition: `${OF_CLIENT} OR ("row" ->> 'username' = ANY (:guests) AND (${IS_OF_OTHER}) IS NOT TRUE) OR "row" ->> 'phone' = ANY (:phones)`,
  },
} as const satisfies Readonly<Record<string, OwnPlace>>

/** What reading and deleting these rows needs. */
export const ownNeeds = (schema: string, privileges: TableNeed['privileges']): readonly TableNeed[] => [
  ...[...OWN_PLACES, CHANGED_PLACE].map(({ table }) => ({ schema: ownSchema(schema), table, privileges })),
  ...archiveRowNeeds(schema, privileges),
]

/** The same for the archive of a rollback alone. */
export const archiveRowNeeds = (schema: string, privileges: TableNeed['privileges']): readonly TableNeed[] =>
  Object.values(ARCHIVE_PLACES).map(({ table }) => ({
    ...{ schema: ownSchema(schema), table, privileges },
    ofOwner: true as const,
  }))

/** Whose rows are meant. */
export interface OwnRowsOf {
  readonly clientIds: readonly string[]
  readonly names: readonly string[]
  /** Of the names, those of guests: all that was written under them is meant. */
  readonly guests?: readonly string[]
  /** Clients who are somebody else, although messages of theirs were written under one of the names. */
  readonly others?: readonly string[]
  readonly phones?: readonly string[]
  /** Ids of archived messages without client that name one of the clients by its id. */
  readonly archived?: readonly string[]
  /** Keys of edited messages that are the person's. */
  readonly changed?: readonly string[]
  /** Keys of messages that wait for the id of one of the clients, and mean somebody else. */
  readonly keysOfOthers?: readonly string[]
}

/** A condition with numbered parameters, and their values. */
export const bindOwn = (
  condition: string,
  {
    clientIds,
    names,
    guests = [],
    others = [],
    phones = [],
    archived = [],
    changed = [],
    keysOfOthers = [],
  }: OwnRowsOf,
): { readonly where: string; readonly values: readonly unknown[] } => {
  const lists = {
    ids: [clientIds, 'bigint'],
    names: [names, 'text'],
    guests: [guests, 'text'],
    others: [others, 'bigint'],
    phones: [phones, 'text'],
    archived: [archived, 'bigint'],
    changed: [changed, 'text'],
    keysOfOthers: [keysOfOthers, 'text'],
  } as const
  const values: unknown[] = []
  let where = condition
  for (const [name, [list, type]] of Object.entries(lists)) {
    if (!where.includes(`:${name}`)) continue
    values.push(list)
    where = where.replaceAll(`:${name}`, `$${values.length}::${type}[]`)
  }
  return { where, values }
}

/** How many rows of a person a table has. */
export interface OwnRows {
  /** Such as `chatkeep.guest_clients`. */
  readonly table: string
  readonly rows: number
}

interface Place {
  readonly name: string
  readonly where: string
  readonly values: readonly unknown[]
}

const placesIn = (tables: ErasureTables, whose: OwnRowsOf, places: readonly OwnPlace[]): readonly Place[] => {
  const schema = ownSchema(tables.schema)
  return places
    .filter(({ table }) => tables.own.has(table))
    .map(({ table, condition }) => ({
      name: qualified(schema, table),
      ...bindOwn(typeof condition === 'string' ? condition : condition(tables), whose),
    }))
}

const ALL_PLACES: readonly OwnPlace[] = [...OWN_PLACES, CHANGED_PLACE, ...Object.values(ARCHIVE_PLACES)]
const EXPORTED_PLACES = ALL_PLACES.map((place) => ({ ...place, condition: place.exported ?? place.condition }))

const IS_MESSAGE = '"removedRow" IS NOT NULL'

/** Without whole messages, which count as messages. */
const COUNTED_PLACES: readonly OwnPlace[] = [
  ...OWN_PLACES,
  CHANGED_PLACE,
  { ...ARCHIVE_PLACES.archive, condition: `(${ARCHIVE_PLACES.archive.condition}) AND NOT (${IS_MESSAGE})` },
  ARCHIVE_PLACES.archivedClients,
]

/** The whole messages of a person in the archive of a rollback, as a selection of its rows. */
export const archivedMessagesOf = (whose: OwnRowsOf): Selection => {
  const { where, values } = bindOwn(ARCHIVE_PLACES.archive.condition, whose)
  return { condition: `(${where}) AND ${IS_MESSAGE}`, values }
}

/** Whether a row of chatkeep's own is a whole message, which a rollback took out of the application's table. */
export const isArchivedMessage = ({ removedRow }: ExportedRow): boolean =>
  removedRow !== undefined && removedRow !== null

export const countOwnRows = async (
  client: Queryable,
  tables: ErasureTables,
  whose: OwnRowsOf,
): Promise<readonly OwnRows[]> => {
  const counted: OwnRows[] = []
  for (const { name, where, values } of placesIn(tables, whose, COUNTED_PLACES)) {
    const sql = `SELECT count(*)::integer AS "rows" FROM ${name} WHERE ${where}`
    const { rows } = onlyRow(await client.query<{ rows: number }>(sql, [...values]))
    if (rows > 0) counted.push({ table: name, rows })
  }
  return counted
}

/** The rows themselves, as JSON, in the caller's transaction. */
export async function* readOwnRows(
  client: Queryable,
  tables: ErasureTables,
  whose: OwnRowsOf,
): AsyncGenerator<{ readonly table: string; readonly row: ExportedRow }> {
  for (const { name, where, values } of placesIn(tables, whose, EXPORTED_PLACES)) {
    const sql = `SELECT ${AS_JSON} AS "row" FROM ${name} AS o WHERE ${where}`
    for await (const { row } of readByCursor<{ row: string }>(client, sql, values))
      yield { table: name, row: toExactRow(row) }
  }
}

/** A page of them. */
export interface OwnPage {
  readonly table: string
  readonly rows: readonly ExportedRow[]
  /** Where the next page begins. */
  readonly next: OwnPosition
}

/** A place of `EXPORTED_PLACES`, and behind which row of it. */
export interface OwnPosition {
  readonly place: number
  readonly after: string
}

export const FIRST_OWN_ROW: OwnPosition = { place: 0, after: '(0,0)' }

/** Few, because an archived row may have an image. */
const PAGE_ROWS = 100

/** @returns undefined behind the last row */
export const readOwnPage = async (
  client: Queryable,
  tables: ErasureTables,
  whose: OwnRowsOf,
  { place, after }: OwnPosition,
): Promise<OwnPage | undefined> => {
  const one = placesIn(tables, whose, EXPORTED_PLACES)[place]
  if (one === undefined) return undefined
  const { rows } = await client.query<{ row: string; at: string }>(
    `SELECT ${AS_JSON} AS "row", o.ctid::text AS "at" FROM ${one.name} AS o
     WHERE (${one.where}) AND o.ctid > $${one.values.length + 1}::tid
     ORDER BY o.ctid
     LIMIT ${PAGE_ROWS}`,
    [...one.values, after],
  )
  const last = rows.length < PAGE_ROWS ? undefined : rows.at(-1)?.at
  const next = last === undefined ? { place: place + 1, after: FIRST_OWN_ROW.after } : { place, after: last }
  return { table: one.name, rows: rows.map(({ row }) => toExactRow(row)), next }
}

// Who of the operators answered is data of somebody else.
const AS_JSON = `(to_jsonb(o) #- '{removedRow,operatorId}')::text`

/** Deletes them in the caller's transaction, except in the archive of a rollback. */
export const deleteOwnRows = async (client: Queryable, tables: ErasureTables, whose: OwnRowsOf): Promise<void> => {
  await deleteChangedRows(client, tables, whose)
  for (const { name, where, values } of placesIn(tables, whose, OWN_PLACES))
    await client.query(`DELETE FROM ${name} WHERE ${where}`, [...values])
}

/** Deletes what is noted of edited and deleted messages, and frees their keys, in the caller's transaction. */
export const deleteChangedRows = async (client: Queryable, tables: ErasureTables, whose: OwnRowsOf): Promise<void> => {
  for (const { name, where, values } of placesIn(tables, whose, [CHANGED_PLACE])) {
    const deletion = `DELETE FROM ${name} WHERE ${where}`
    const sql =
      tables.keyGuard === 'index'
        ? deletion
        : `WITH changed AS (${deletion} RETURNING "idempotencyKey", "messageId")
           DELETE FROM ${tables.names.messageKeys} AS k
           USING changed AS d
           WHERE k."idempotencyKey" = d."idempotencyKey" AND k."messageId" = d."messageId"`
    await client.query(sql, [...values])
  }
}
