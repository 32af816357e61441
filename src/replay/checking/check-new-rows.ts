import { gapsOf, isEarlier, type EarlierIds, type IdGap } from './earlier-ids.js'
import { createFindings, type Findings } from './findings.js'
import type { DoubledMessage, UnexpectedRow } from './judge.js'
import { findForeignRows, judgeForeignRows, type Accounts, type NewRow } from './judge-new-rows.js'
import type { ReadBack } from './read-back.js'

const PAGE_ROWS = 5_000

/** Foreign rows that are compared with others; findings beyond are counted as unexpected. */
const MOST_COMPARED = 1_000

/** Where to look for rows that the run does not account for. */
export interface NewRowsOptions {
  /** Rows with these ids are not read. */
  readonly leftOut: EarlierIds
  /** Rows with these ids are older than the run, and are unexpected only when they repeat a message. */
  readonly earlier: EarlierIds
  readonly signal: AbortSignal | undefined
}

/** Reads every new row, and finds those in conversations of the run that are unexpected or repeat a message. */
export const checkNewRows = async (
  readBack: ReadBack,
  accounts: Accounts,
  { leftOut, earlier, signal }: NewRowsOptions,
): Promise<{ readonly doubled: Findings<DoubledMessage>; readonly unexpected: Findings<UnexpectedRow> }> => {
  const doubled = createFindings<DoubledMessage>()
  const unexpected = createFindings<UnexpectedRow>()
  let compared = 0
  for await (const page of readPages(readBack, leftOut, signal)) {
    const foreign = findForeignRows(page, accounts)
    const ids = foreign.slice(0, MOST_COMPARED - compared).map(({ id }) => id)
    compared += ids.length
    const found = judgeForeignRows(foreign, ids.length === 0 ? [] : await readBack.twinsOf(ids), accounts)
    doubled.add(...found.doubled)
    unexpected.add(...found.unexpected.filter(({ id }) => !isEarlier(earlier, id)))
  }
  return { doubled: doubled.result(), unexpected: unexpected.result() }
}

async function* readPages(
  readBack: ReadBack,
  leftOut: EarlierIds,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly NewRow[]> {
  for (const gap of gapsOf(leftOut)) {
    for (let rest: IdGap | undefined = gap; rest !== undefined;) {
      signal?.throwIfAborted()
      const page: readonly NewRow[] = await readBack.rowsIn(rest, PAGE_ROWS)
      yield page
      const last: number | undefined = page.at(-1)?.id
      rest = last === undefined || page.length < PAGE_ROWS ? undefined : { ...gap, after: last }
    }
  }
}
