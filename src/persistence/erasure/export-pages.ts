import type { Queryable } from '../../database/connection.js'
import { readClients, selectMessages, toRecord, type ExportedMessageRow, type PersonRecord } from './export-person.js'
import { ownRowsOf } from './erase-person.js'
import { ERASURE_NEEDS } from './needs.js'
import { openErasureTables } from './open-tables.js'
import { FIRST_OWN_ROW, readOwnPage, type OwnPosition } from './own-rows.js'
import { anyOf, checkPerson, findPerson, selectionsOf, type FoundPerson, type Person } from './person.js'
import type { ErasureTables } from './tables.js'

/** Runs some queries on one connection, and repeats them where that may help. */
type Ask = <T>(work: (client: Queryable) => Promise<T>) => Promise<T>

/**
 * Reads all that the database holds of a person, as `readPerson` does, but in short queries of their own: a caller who takes the
 * records slowly holds no connection and no snapshot. What is written meanwhile may be among them or not.
 */
export async function* readPersonByPages(ask: Ask, schema: string, wanted: Person): AsyncGenerator<PersonRecord> {
  checkPerson(wanted)
  const { tables, person, clients } = await ask(async (client) => {
    const opened = await openErasureTables(client, schema, ERASURE_NEEDS.export)
    const found = await findPerson(client, opened, wanted)
    return { tables: opened, person: found, clients: await readClients(client, opened, found) }
  })
  yield* clients
  for (let at: OwnPosition = FIRST_OWN_ROW; ;) {
    const page = await ask((client) => readOwnPage(client, tables, ownRowsOf(person), at))
    if (page === undefined) break
    for (const row of page.rows) yield { type: 'chatkeep', table: page.table, row }
    at = page.next
  }
  yield* readMessages(ask, tables, person)
}

interface MessageId {
  readonly id: string
  /** As text, which loses none of its digits. */
  readonly at: string
}

/** Ids are small, and to find them again takes a look at all of the person's messages. */
const IDS_A_PAGE = 10_000

/** Few, because each may have an image. */
const MESSAGES_A_PAGE = 10

async function* readMessages(ask: Ask, tables: ErasureTables, person: FoundPerson): AsyncGenerator<PersonRecord> {
  for (let after: MessageId | undefined; ;) {
    const ids: readonly MessageId[] = await ask((client) => readIds(client, tables, person, after))
    for (let from = 0; from < ids.length; from += MESSAGES_A_PAGE) {
      const some = ids.slice(from, from + MESSAGES_A_PAGE)
      yield* await ask((client) => readSome(client, tables, some))
    }
    after = ids.at(-1)
    if (after === undefined) return
  }
}

const readIds = async (
  client: Queryable,
  tables: ErasureTables,
  person: FoundPerson,
  after: MessageId | undefined,
): Promise<readonly MessageId[]> => {
  const { condition, values } = anyOf(selectionsOf(tables, person))
  const [at, id] = [values.length + 1, values.length + 2]
  const behind = after === undefined ? '' : `AND (m."createdAt", m."id") > ($${at}::timestamp, $${id}::bigint)`
  const { rows } = await client.query<MessageId>(
    `SELECT m."id"::text AS "id", m."createdAt"::text AS "at"
     FROM ${tables.names.message} AS m
     WHERE (${condition}) ${behind}
     ORDER BY m."createdAt", m."id"
     LIMIT ${IDS_A_PAGE}`,
    [...values, ...(after === undefined ? [] : [after.at, after.id])],
  )
  return rows
}

// The time of a partitioned table's row finds its partition.
const readSome = async (
  client: Queryable,
  tables: ErasureTables,
  some: readonly MessageId[],
): Promise<readonly PersonRecord[]> => {
  const { rows } = await client.query<ExportedMessageRow>(
    `${selectMessages(tables)}
     WHERE m."id" = ANY ($1::bigint[]) AND m."createdAt" BETWEEN $2::timestamp AND $3::timestamp
     ORDER BY m."createdAt", m."id"`,
    [some.map(({ id }) => id), some[0]?.at, some.at(-1)?.at],
  )
  return rows.map(toRecord)
}
