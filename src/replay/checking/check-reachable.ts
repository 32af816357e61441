import { createAccountedRows, type AccountedRows } from './accounted-rows.js'
import type { Found } from './check-shown.js'
import type { EarlierIds } from './earlier-ids.js'
import { createFindings } from './findings.js'
import type { Stream } from './in-batches.js'

/** Finds rows of the run that no page of history showed. @param leftOut ids that are not looked for */
export const checkReachable = async (
  pages: Stream<readonly number[]>,
  accounted: AccountedRows,
  leftOut: EarlierIds,
): Promise<Found<number>> => {
  const reached = createAccountedRows(leftOut)
  let count = 0
  for await (const page of pages) {
    for (const id of page) reached.add(id)
    count += page.length
  }
  const found = createFindings<number>()
  for (const id of accounted.ids()) if (!reached.has(id)) found.add(id)
  return { found: found.result(), count }
}
