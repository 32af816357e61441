import type { Queryable } from '../../database/connection.js'
import { onlyRow } from '../../database/rows.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { again, or, type Next } from '../../next-step.js'
import { ownNamesFor } from '../own-names.js'
import { UTC_NOW } from '../sql-names.js'
import { archiveNeeds, deleteArchived } from './delete-archived.js'
import { deleteBatch, deleteMessages, type BatchSession, type Selection } from './delete-messages.js'
import { isPutBack, keptRows, throwKeptMessages } from './kept-rows.js'
import {
  archivedMessagesOf,
  countOwnRows,
  deleteChangedRows,
  deleteOwnRows,
  ownNeeds,
  type OwnRows,
  type OwnRowsOf,
} from './own-rows.js'
import { anyOf, selectionsOf, withoutPhones, type FoundPerson, type PersonClient } from './person.js'
import { messageNeeds, type TableNeed } from './privileges.js'
import { LET_GO, readReferringRows, restrictedLines, type ReferringRows } from './references.js'
import type { ErasureTables } from './tables.js'

/** What becomes of the row of a client: `anonymise` keeps it, for rows of the application that refer to it. */
export type ClientRow = 'delete' | 'anonymise'

/** What the database holds of a person. */
export interface PersonPrice {
  readonly clients: readonly Pick<PersonClient, 'id' | 'isGuest' | 'isMerged' | 'isRenamed'>[]
  /** Ids of clients who are not the person, but had one of the names, or have messages that were written under one. */
  readonly otherClients: readonly string[]
  /** Also those that only the archive of a rollback has. */
  readonly messages: number
  /** Of these, those that only the archive has. */
  readonly archivedMessages: number
  /** Of these, operators' answers. */
  readonly fromOperators: number
  /** Of these, written under the name of a registered client, without proof. */
  readonly unverified: number
  /** Of their texts and images. */
  readonly bytes: number
  /** Rows in tables of chatkeep's own, other than these messages. */
  readonly own: readonly OwnRows[]
  /** Rows of the application that refer to the clients, or to the messages. */
  readonly referringToClients: readonly ReferringRows[]
  readonly referringToMessages: readonly ReferringRows[]
}

export const eraseNeeds = (tables: ErasureTables): readonly TableNeed[] => [
  ...messageNeeds(tables),
  { schema: tables.schema, table: 'Client', privileges: ['SELECT', 'UPDATE', 'DELETE'] },
  ...ownNeeds(tables.schema, ['SELECT', 'DELETE']),
  ...archiveNeeds(tables),
]

/** Whose rows in tables of our own are meant. */
export const ownRowsOf = ({
  clientIds,
  names,
  otherClients,
  clientNames,
  phones,
  waiting,
  changed,
}: FoundPerson): OwnRowsOf => ({
  clientIds,
  names: [...names, ...clientNames],
  guests: names,
  others: otherClients,
  phones,
  archived: waiting.archived,
  changed,
  keysOfOthers: waiting.keysOfOthers,
})

const selectMessages = ({ names, columns }: ErasureTables, condition: string): string => `
  SELECT count(*)::float8 AS "messages",
    (count(*) FILTER (WHERE m."senderType" OPERATOR(pg_catalog.<>) 'CLIENT'))::float8 AS "fromOperators",
    ${columns.has('guestUnverified') ? '(count(*) FILTER (WHERE m."guestUnverified"))::float8' : '0::float8'} AS "unverified",
    coalesce(sum(coalesce(octet_length(m."text"), 0) + coalesce(octet_length(m."imageUrl"), 0)), 0)::float8 AS "bytes"
  FROM ${names.message} AS m
  WHERE ${condition}`

// A message that was taken out of the table is JSON.
const selectArchived = ({ schema }: ErasureTables, condition: string): string => `
  SELECT count(*)::float8 AS "messages",
    (count(*) FILTER (WHERE a."removedRow" ->> 'senderType' <> 'CLIENT'))::float8 AS "fromOperators",
    (count(*) FILTER (WHERE a."guestUnverified"))::float8 AS "unverified",
    coalesce(sum(coalesce(octet_length(a."removedRow" ->> 'text'), 0) + coalesce(octet_length(a."removedRow" ->> 'imageUrl'), 0)), 0)::float8
      AS "bytes"
  FROM ${ownNamesFor(schema).archive} AS a
  WHERE ${condition}`

type CountedMessages = Pick<PersonPrice, 'messages' | 'fromOperators' | 'unverified' | 'bytes'>

const readArchived = async (
  client: Queryable,
  tables: ErasureTables,
  person: FoundPerson,
): Promise<CountedMessages> => {
  if (!tables.hasArchive) return { messages: 0, fromOperators: 0, unverified: 0, bytes: 0 }
  const { condition, values } = archivedMessagesOf(ownRowsOf(person))
  return onlyRow(await client.query<CountedMessages>(selectArchived(tables, condition), [...values]))
}

/** Counts what would be deleted; reads only. */
export const readPersonPrice = async (
  client: Queryable,
  tables: ErasureTables,
  person: FoundPerson,
): Promise<PersonPrice> => {
  const { condition, values } = anyOf(selectionsOf(tables, person))
  const counted = onlyRow(await client.query<CountedMessages>(selectMessages(tables, condition), [...values]))
  const archived = await readArchived(client, tables, person)
  const { client: clients, message } = tables.names
  const ids = person.clients.map(({ id }) => id)
  const ofClients = { table: clients, condition: 'x."id" = ANY ($1::bigint[])', values: [ids] }
  const ofMessages = { table: message, condition: condition.replaceAll('m."', 'x."'), values }
  return {
    clients: person.clients
      .filter((one) => !isAnonymised(one))
      .map(({ id, isGuest, isMerged, isRenamed }) => ({ id, isGuest, isMerged, isRenamed })),
    otherClients: person.otherClients,
    messages: counted.messages + archived.messages,
    archivedMessages: archived.messages,
    fromOperators: counted.fromOperators + archived.fromOperators,
    unverified: counted.unverified + archived.unverified,
    bytes: counted.bytes + archived.bytes,
    own: await countOwnRows(client, tables, ownRowsOf(person)),
    referringToClients: ids.length === 0 ? [] : await readReferringRows(client, ofClients, message),
    referringToMessages: counted.messages === 0 ? [] : await readReferringRows(client, ofMessages, message),
  }
}

/** Whether nothing is left to delete. */
export const isNothing = ({ clients, messages, own }: PersonPrice): boolean =>
  clients.length === 0 && messages === 0 && own.length === 0

/** The name of a client whose row is kept. */
const anonymousName = (id: string): string => `erased-${id}`

const isAnonymised = ({ id, username, phone }: FoundPerson['clients'][number]): boolean =>
  username === anonymousName(id) && phone === null

/** @throws OperatorError `client_is_referenced`, `messages_are_referenced` (exit 5): the server would refuse the deletion */
export const refuseReferencedPerson = (price: PersonPrice, clientRow: ClientRow): void => {
  refuse('messages_are_referenced', 'to the messages of this person', restrictedLines(price.referringToMessages), [
    LET_GO,
  ])
  if (clientRow === 'anonymise') return
  refuse('client_is_referenced', 'to the client', restrictedLines(price.referringToClients), [
    'delete those rows first',
    or(again('--keep-client', 'keep the row of the client, without name and phone')),
  ])
}

const refuse = (
  code: 'messages_are_referenced' | 'client_is_referenced',
  what: string,
  lines: readonly string[],
  hint: Next,
): void => {
  if (lines.length === 0) return
  throw new OperatorError(code, `rows of other tables refer ${what}; nothing was changed`, {
    exitCode: ExitCode.refused,
    details: lines,
    hint,
  })
}

/**
 * Deletes a person: messages in batches, then each client with what is left of it in one transaction, so that nothing is written
 * to it meanwhile. Can be stopped and repeated at any time: what names the person goes last.
 * @returns how many messages were deleted
 * @throws OperatorError `rows_kept` (exit 1) when a trigger of the application keeps rows; then the clients stay as well
 */
export const erasePerson = async (
  session: BatchSession,
  tables: ErasureTables,
  person: FoundPerson,
  clientRow: ClientRow,
): Promise<number> => {
  let sum = 0
  const selections = selectionsOf(tables, person)
  const deleteAll = async (chosen: readonly Selection[]): Promise<void> => {
    let isAnyKept = false
    for (const one of chosen) {
      const { deleted, isKept } = await deleteMessages(session, tables, one)
      sum += deleted
      isAnyKept ||= isKept
    }
    if (isAnyKept) await throwKeptMessages(session, tables, anyOf(selections))
  }
  await deleteAll(selections.map((one) => withoutPhones(tables, one, person)))
  const deleteFromArchive = async (
    which: 'without phones' | 'all',
    deleteFirst: typeof deleteOwnRows,
  ): Promise<void> => {
    const messages = await session.runBatch(async (client) => {
      await deleteFirst(client, tables, ownRowsOf(person))
      return deleteArchived(client, tables, ownRowsOf(person), which)
    })
    sum += messages
    await session.onDeleted(messages)
  }
  await deleteFromArchive('without phones', deleteChangedRows)
  for (const one of person.clients) sum += await eraseClient(session, tables, one.id, person.waiting, clientRow)
  await deleteAll(selections)
  await deleteFromArchive('all', deleteOwnRows)
  return sum
}

const eraseClient = async (
  session: BatchSession,
  tables: ErasureTables,
  id: string,
  { keysOfOthers }: FoundPerson['waiting'],
  clientRow: ClientRow,
): Promise<number> => {
  const { client: clients } = tables.names
  const selection = { condition: 'm."clientId" = $1::bigint', values: [id] }
  const batch = {
    tables,
    selection,
    oldestFirst: false,
    locked: 'wait',
    after: null,
    batchSize: session.batchSize,
  } as const
  for (let sum = 0; ;) {
    session.signal.throwIfAborted()
    const { found, deleted } = await session.runBatch(async (client) => {
      // A save of a message of this client waits here until the end of the transaction.
      const { rows } = await client.query<NamedRow>(
        `SELECT ${NAME_AND_PHONE} FROM ${clients} WHERE "id" = $1::bigint FOR UPDATE`,
        [id],
      )
      const left = await deleteBatch(client, batch)
      if (left.found < session.batchSize && left.found === left.deleted) {
        const names = rows.map(({ username }) => username)
        await deleteOwnRows(client, tables, { clientIds: [id], names, keysOfOthers })
        for (const row of rows) await changeClient(client, clients, { ...row, id }, clientRow)
      }
      return left
    })
    if (deleted < found) await throwKeptMessages(session, tables, selection)
    sum += deleted
    await session.onDeleted(deleted)
    if (found < session.batchSize) return sum
  }
}

interface NamedRow {
  readonly username: string
  readonly phone: string | null
}

const NAME_AND_PHONE = `"username"::text AS "username", "phone"::text AS "phone"`

const changeClient = async (
  client: Queryable,
  clients: string,
  { id, ...before }: NamedRow & { readonly id: string },
  clientRow: ClientRow,
): Promise<void> => {
  const isDeleted = clientRow === 'delete'
  const anonymous = { username: anonymousName(id), phone: null }
  const { rows } = await client.query<NamedRow>(
    clientSql(clients, clientRow),
    isDeleted ? [id] : [id, anonymous.username],
  )
  const [row] = rows
  if (row !== undefined && (isDeleted || !isPutBack(anonymous, before, row))) return
  throw await keptRows(client, { table: clients, event: isDeleted ? 'DELETE' : 'UPDATE', what: `client ${id} is` })
}

const clientSql = (clients: string, clientRow: ClientRow): string =>
  clientRow === 'delete'
    ? `DELETE FROM ${clients} WHERE "id" = $1::bigint RETURNING ${NAME_AND_PHONE}`
    : `UPDATE ${clients} SET "username" = $2, "phone" = NULL, "updatedAt" = ${UTC_NOW} WHERE "id" = $1::bigint
       RETURNING ${NAME_AND_PHONE}`
