import type { Queryable } from '../../database/connection.js'
import { CLIENT_ID, type RequiredColumn } from '../../persistence/shape.js'
import type { Expectation } from '../expectation.js'

/** A row of `information_schema.columns`. */
export interface ReportedColumn {
  readonly column_name: string
  readonly data_type: string
  readonly is_nullable: string
}

/** A line of step 2 of the update guide: what the database says of a column, and what it should say. */
export interface GuideColumn {
  readonly column_name: string
  /** Null when there is no such column. */
  readonly data_type: string | null
  readonly is_nullable: string | null
  readonly expected: string
  readonly ok: boolean
}

/** The guide's own query, kept to the right table. */
const SELECT_GUIDE_COLUMNS = `
  SELECT column_name::text, data_type::text, is_nullable::text
  FROM information_schema.columns
  WHERE table_schema = $1
    AND table_name = 'ChatMessage'
    AND column_name IN ('clientId', 'guestUsername', 'guestPhone')`

export const readGuideColumns = async (client: Queryable, schema: string): Promise<readonly ReportedColumn[]> => {
  const { rows } = await client.query<ReportedColumn>(SELECT_GUIDE_COLUMNS, [schema])
  return rows
}

/** What the guide shows for its three columns, in its order. */
export const GUIDE_COLUMNS: readonly RequiredColumn[] = [
  CLIENT_ID,
  { table: 'ChatMessage', column: 'guestUsername', types: ['text'], nullable: true },
  { table: 'ChatMessage', column: 'guestPhone', types: ['text'], nullable: true },
]

/** Sets what is beside what should be. */
export const compareGuideColumns = (
  reported: readonly ReportedColumn[],
  expectation: Expectation,
): readonly GuideColumn[] =>
  GUIDE_COLUMNS.map(({ column, types }) => {
    const actual = reported.find(({ column_name }) => column_name === column)
    const expected = expectedText(column, types, actual, expectation)
    return {
      column_name: column,
      data_type: actual?.data_type ?? null,
      is_nullable: actual?.is_nullable ?? null,
      expected,
      ok: expected === (actual === undefined ? ABSENT : `${actual.data_type} ${actual.is_nullable}`),
    }
  })

const ABSENT = 'absent'

const expectedText = (
  column: string,
  types: readonly string[],
  actual: ReportedColumn | undefined,
  expectation: Expectation,
): string => {
  if (expectation === 'rolled-back' && column !== CLIENT_ID.column) return ABSENT
  // An application may have chosen bigint ids; then that is what is expected.
  const type = types.find((candidate) => candidate === actual?.data_type) ?? types[0]
  return `${type} ${expectation === 'migrated' ? 'YES' : 'NO'}`
}
