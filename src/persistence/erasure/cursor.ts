import type { QueryResultRow } from 'pg'
import type { Queryable } from '../../database/connection.js'

/** Few, because each row may have an image. */
const ROWS_A_FETCH = 10

/** Reads the rows of a query in the caller's transaction, a few at a time: memory stays small, however many there are. */
export async function* readByCursor<Row extends QueryResultRow>(
  client: Queryable,
  sql: string,
  values: readonly unknown[],
): AsyncGenerator<Row> {
  await client.query(`DECLARE "chatkeep_rows" NO SCROLL CURSOR FOR ${sql}`, [...values])
  for (;;) {
    const { rows } = await client.query<Row>(`FETCH ${ROWS_A_FETCH} FROM "chatkeep_rows"`)
    yield* rows
    if (rows.length < ROWS_A_FETCH) break
  }
  await client.query('CLOSE "chatkeep_rows"')
}
