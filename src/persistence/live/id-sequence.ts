import { COLUMN_SEQUENCES } from '../ids/column-sequences.js'
import type { Queryable } from '../../database/connection.js'
import { quoted } from '../../database/identifier.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { sql, type Next } from '../../next-step.js'
import type { Names } from '../sql-names.js'
import type { Direction } from './live-cursor.js'

/** The sequence that gives out the ids of messages. */
export interface IdSequence {
  readonly direction: Direction
  /** SQL for the last id that it gave out. */
  readonly positionSql: string
  /** Whether the role may ask the sequence itself. */
  readonly isExact: boolean
}

interface FoundSequence {
  readonly oid: string
  readonly name: string
  readonly increment: string
  readonly cache: string
  readonly start: string
  readonly isReadable: boolean
  readonly isSelectable: boolean
}

const selectSequence = (message: string): string => `
  SELECT q.seqrelid::pg_catalog.int8 AS "oid", pg_catalog.format('%I.%I', n.nspname, s.relname) AS "name",
    q.seqincrement AS "increment", q.seqcache AS "cache", q.seqstart AS "start",
    pg_catalog.has_sequence_privilege(q.seqrelid, 'SELECT, USAGE') AS "isReadable",
    pg_catalog.has_sequence_privilege(q.seqrelid, 'SELECT') AS "isSelectable"
  FROM pg_catalog.pg_attribute AS a
  CROSS JOIN LATERAL (${COLUMN_SEQUENCES}
  ) AS used
  JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = used."oid"
  JOIN pg_catalog.pg_class AS s ON s.oid = q.seqrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = s.relnamespace
  WHERE a.attrelid = ${quoted(message)}::regclass AND a.attname = 'id' AND NOT a.attisdropped`

/** @throws OperatorError `ids_not_in_order` where ids are not given out in an order that can be followed */
export const readIdSequence = async (db: Queryable, { message }: Names): Promise<IdSequence> => {
  const { rows } = await db.query<FoundSequence>(selectSequence(message))
  const [found] = rows
  if (found === undefined)
    throw notInOrder(
      `the ids of ${message} come from no sequence of its column "id"`,
      'give "id" the default of a sequence, or make it an identity column',
    )
  const { name, cache } = found
  if (Number(cache) > 1)
    throw notInOrder(`each session takes ${cache} ids of the sequence ${name} at a time, and uses them later`, [
      sql(`ALTER SEQUENCE ${name} CACHE 1`),
      'then restart what is connected: each session uses up the ids that it has',
    ])
  const direction = Number(found.increment) > 0 ? 1 : -1
  return { direction, positionSql: positionSql(message, found, direction), isExact: found.isReadable }
}

// Ids that did not come from the sequence may lie ahead of it, and would hide what it gives out afterwards. A role without the
// privilege has to take the last one that is stored.
const positionSql = (
  message: string,
  { oid, name, increment, start, isReadable, isSelectable }: FoundSequence,
  direction: Direction,
): string => {
  // Before its first value, and after RESTART, a sequence has no last one.
  const next = isSelectable ? `(SELECT n."last_value" FROM ${name} AS n)` : `${start}::pg_catalog.int8`
  const before = `${next} - (${increment})`
  if (isReadable) return `coalesce(pg_catalog.pg_sequence_last_value(${oid}::pg_catalog.oid), ${before})`
  const order = direction === 1 ? 'DESC' : 'ASC'
  return `coalesce((SELECT i."id"::pg_catalog.int8 FROM ${message} AS i ORDER BY i."id" ${order} LIMIT 1), ${start} - (${increment}))`
}

const notInOrder = (reason: string, hint: Next): OperatorError =>
  new OperatorError('ids_not_in_order', `new messages cannot be followed: ${reason}`, {
    exitCode: ExitCode.refused,
    hint,
  })
