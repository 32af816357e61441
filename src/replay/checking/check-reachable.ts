import { createAccountedRows, type AccountedRows } from './accounted-rows.js'
import type { Found } from './check-shown.js'
import { createFindings } from './findings.js'
import type { Stream } from './in-batches.js'

/** Finds rows of the run that no page of history showed. @param after rows up to this id are older than the run */
export const checkReachable = async (
  pages: Stream<readonly number[]>,
  accounted: AccountedRows,
  after: number,
): Promise<Found<number>> => {
  const reached = createAccountedRows(after)
  let count = 0
  for await (const page of pages) {
    for (const id of page) reached.add(id)
    count += page.length
  }
  const found = createFindings<number>()
  for (const id of accounted.ids()) if (!reached.has(id)) found.add(id)
  return { found: found.result(), count }
}
