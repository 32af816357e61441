import type { QueryResultRow } from 'pg'
import type { Queryable } from '../../database/connection.js'
import type { PreparedStatements } from '../../database/prepared.js'
import { readFromStandby } from '../../database/proxies/standby-reads.js'
import { firstRow } from '../../database/rows.js'
import { toId, type StoredId } from '../ids/ids.js'
import type { ChatMessage } from '../message.js'
import { fittingSql } from '../polling/fitting-page.js'
import { openSql, parseOpen, type OpenTransaction } from '../polling/open-transactions.js'
import type { Names } from '../sql-names.js'
import { MESSAGE_COLUMNS, toChatMessage, type StoredRow } from '../stored-message.js'
import type { IdSequence } from './id-sequence.js'
import { between, furthest, isBehind, isFull, type Direction, type LiveCursor } from './live-cursor.js'
import { gapsIn } from './ranges.js'

/** What a reading needs. */
export interface LiveSession {
  readonly db: Queryable
  readonly names: Names
  readonly statements: PreparedStatements
}

/** Most messages, and bytes of their texts and images, that a reading returns. */
const PAGE_MESSAGES = 200
const PAGE_BYTES = 8 * 1_048_576

/**
 * How many ids before its beginning are looked at: those that are not visible there may belong to transactions that commit
 * afterwards.
 */
const LOOK_BACK = 10_000

interface State {
  readonly isStandby: boolean
  readonly position: StoredId
  readonly open: string | null
  /** Null where the query returned no row. */
  readonly isRow: true | null
}

// In one statement: a proxy may send the next one elsewhere, and it takes one round trip. The position and pg_locks are read while
// the statement runs, so after its snapshot was taken.
const stateSql = ({ positionSql }: IdSequence, { message }: Names, query: string): string => `
  SELECT s.*, q.*
  FROM (
    SELECT pg_catalog.pg_is_in_recovery() AS "isStandby", ${positionSql} AS "position", ${openSql(message)} AS "open"
    OFFSET 0
  ) AS s
  LEFT JOIN LATERAL (SELECT true AS "isRow", r.* FROM (${query}) AS r) AS q ON true`

const behind = (from: string, direction: Direction): string =>
  direction === 1 ? `${from} + 1 AS "first", s."position" AS "last"` : `s."position" AS "first", ${from} - 1 AS "last"`

// Each range by the primary key.
const pageSql = ({ message }: Names, direction: Direction): string => {
  const order = direction === 1 ? 'ASC' : 'DESC'
  const page = `
    SELECT page.*
    FROM (
      SELECT pg_catalog.unnest($1::pg_catalog.int8[]) AS "first", pg_catalog.unnest($2::pg_catalog.int8[]) AS "last"
      UNION ALL
      SELECT ${behind('$3::pg_catalog.int8', direction)}
    ) AS range
    CROSS JOIN LATERAL (
      SELECT ${MESSAGE_COLUMNS}
      FROM ${message} AS m
      WHERE m."id" BETWEEN range."first" AND range."last"
      ORDER BY m."id" ${order}
      LIMIT ${PAGE_MESSAGES + 1}
    ) AS page
    ORDER BY page."id" ${order}
    LIMIT ${PAGE_MESSAGES + 1}`
  return fittingSql(page, `"id" ${order}`, PAGE_BYTES)
}

/** What a reading returns. */
interface Answer<Row> {
  /** The last id that was given out. */
  readonly position: number
  readonly open: readonly OpenTransaction[]
  readonly rows: readonly Row[]
}

const ask = async <Row extends QueryResultRow>(
  { db, names, statements }: LiveSession,
  sequence: IdSequence,
  query: string,
  values: readonly unknown[],
): Promise<Answer<Row>> => {
  const result = await statements.query<Row & State>(db, stateSql(sequence, names, query), values)
  const { isStandby, position, open } = firstRow(result)
  if (isStandby) throw readFromStandby()
  const rows = result.rows.filter(({ isRow }) => isRow === true)
  return { position: toId(position), open: parseOpen(open), rows }
}

/** Messages behind a cursor. */
export interface LivePage {
  /** In the order in which their ids were given out. */
  readonly messages: readonly ChatMessage[]
  readonly hasMore: boolean
  /** The sequence was set back, or begun anew: what it gives out from now on may lie before the cursor. */
  readonly hasGoneBack: boolean
  /** The transactions of others that were open after the snapshot of the messages was taken. */
  readonly open: readonly OpenTransaction[]
}

/** @throws OperatorError `read_from_standby`: a standby knows nothing of the transactions of its primary */
export const readLive = async (session: LiveSession, sequence: IdSequence, cursor: LiveCursor): Promise<LivePage> => {
  const { missing, last } = cursor
  const values = [missing.map(([first]) => first), missing.map(([, end]) => end), isFull(cursor) ? null : last]
  const query = pageSql(session.names, sequence.direction)
  const { rows, position, open } = await ask<StoredRow & { found: number }>(session, sequence, query, values)
  const page = rows.slice(0, PAGE_MESSAGES)
  return {
    open,
    messages: page.map(toChatMessage),
    hasMore: (rows[0]?.found ?? 0) > page.length,
    // Of what is stored, the last may have been deleted.
    hasGoneBack: sequence.isExact && isBehind(position, last, sequence.direction),
  }
}

/** Where a subscription begins. */
export interface Beginning {
  readonly sequence: IdSequence
  /** The last id that was given out. */
  readonly position: number
  readonly cursor: LiveCursor
}

/** Whether a cursor lies behind a beginning, as far as the role may know. */
export const isReached = ({ sequence, position }: Beginning, { last }: LiveCursor): boolean =>
  !sequence.isExact || !isBehind(position, last, sequence.direction)

/** What is not visible at this moment is new. */
export const readBeginning = async (session: LiveSession, sequence: IdSequence): Promise<Beginning> => {
  const { direction } = sequence
  // Names the columns that later readings need: an older schema is refused here.
  const visible = `
    SELECT v."id"
    FROM (SELECT ${MESSAGE_COLUMNS} FROM ${session.names.message} AS m) AS v
    WHERE v."id" BETWEEN s."position" - ${direction === 1 ? LOOK_BACK : 0} AND s."position" + ${direction === 1 ? 0 : LOOK_BACK}`
  const { rows, position } = await ask<{ id: StoredId }>(session, sequence, visible, [])
  const ids = rows.map(({ id }) => toId(id))
  const first = position - direction * LOOK_BACK
  const last = furthest(ids, first, direction)
  const cursor = { last, missing: gapsIn(between(first, last, direction), ids) }
  return { sequence, position, cursor }
}
