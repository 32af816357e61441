import type { Queryable } from '../../database/connection.js'
import { CLIENT_ID, type RequiredColumn } from '../../persistence/shape.js'
import type { Expectation } from '../expectation.js'

/** A row of `information_schema.columns`. */
export interface ReportedColumn {
  readonly column_name: string
  readonly data_type: string
  readonly is_nullable: string
}

/** A row of the table of the three guest columns: what the database reports, and what is expected. */
export interface GuestColumn {
  readonly column_name: string
  /** Null if the column does not exist. */
  readonly data_type: string | null
  readonly is_nullable: string | null
  readonly expected: string
  readonly ok: boolean
}

const SELECT_GUEST_COLUMNS = `
  SELECT column_name::text, data_type::text, is_nullable::text
  FROM information_schema.columns
  WHERE table_schema = $1
    AND table_name = 'ChatMessage'
    AND column_name IN ('clientId', 'guestUsername', 'guestPhone')`

export const readGuestColumns = async (client: Queryable, schema: string): Promise<readonly ReportedColumn[]> => {
  const { rows } = await client.query<ReportedColumn>(SELECT_GUEST_COLUMNS, [schema])
  return rows
}

/** The three guest columns, in the order of the table. */
export const GUEST_COLUMNS: readonly RequiredColumn[] = [
  CLIENT_ID,
  { table: 'ChatMessage', column: 'guestUsername', types: ['text'], nullable: true },
  { table: 'ChatMessage', column: 'guestPhone', types: ['text'], nullable: true },
]

/** Compares the reported columns with the expected ones. */
export const compareGuestColumns = (
  reported: readonly ReportedColumn[],
  expectation: Expectation,
): readonly GuestColumn[] =>
  GUEST_COLUMNS.map(({ column, types }) => {
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
  // If the application uses bigint ids, bigint is expected.
  const type = types.find((candidate) => candidate === actual?.data_type) ?? types[0]
  return `${type} ${expectation === 'migrated' ? 'YES' : 'NO'}`
}
