import { createAccountedRows } from './accounted-rows.js'
import { checkNewRows } from './check-new-rows.js'
import { checkReachable } from './check-reachable.js'
import { checkSent, type SentCheck } from './check-sent.js'
import { checkShown } from './check-shown.js'
import { NO_IDS, type EarlierIds } from './earlier-ids.js'
import { mergeFindings, NO_FINDINGS, type Findings } from './findings.js'
import type { Stream } from './in-batches.js'
import type { ShownMessage, ShownNotStored } from './judge-shown.js'
import type { ReadBack } from './read-back.js'
import type { SentOperation } from './sent-operation.js'

export interface CheckOptions {
  /** Each sender's in the order in which they were sent. Read once, and not kept. */
  readonly operations: Stream<SentOperation>
  readonly readBack: ReadBack
  /** The ids before the first message was sent. */
  readonly earlier: EarlierIds
  /** Rows that are searched for repeated messages; the new ones when absent. */
  readonly doublesAmong?: 'new' | 'all' | undefined
  /** What guests and operators were shown; absent when it was not recorded. */
  readonly shown?: Stream<ShownMessage> | undefined
  /** Ids that history showed after the run, page by page; absent when history was not read. */
  readonly reachable?: Stream<readonly number[]> | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((messages: number) => void) | undefined
}

/** What reading back found. */
export interface Check extends SentCheck {
  readonly shownNotStored: Findings<ShownNotStored>
  /** Ids of stored messages that no history shows. */
  readonly unreachable: Findings<number>
  /** How much evidence there was; null where none was collected. */
  readonly evidence: { readonly rows: number; readonly shown: number | null; readonly reachable: number | null }
}

/** Looks up everything that was sent, in batches: memory does not grow with the texts. */
export const checkOperations = async (options: CheckOptions): Promise<Check> => {
  const { readBack, earlier, doublesAmong = 'new', shown, reachable, signal } = options
  const leftOut = doublesAmong === 'all' ? NO_IDS : earlier
  const accounted = createAccountedRows(leftOut)
  const { check, rows, isOurConversation } = await checkSent(options, accounted)
  const newRows = await checkNewRows(
    readBack,
    { isAccounted: accounted.has, isOurConversation },
    { leftOut, earlier, signal },
  )
  const seen = shown && (await checkShown(shown, readBack, signal))
  const reached = reachable && (await checkReachable(reachable, accounted, leftOut))
  return {
    ...check,
    doubled: mergeFindings(check.doubled, newRows.doubled),
    unexpected: mergeFindings(check.unexpected, newRows.unexpected),
    shownNotStored: seen?.found ?? NO_FINDINGS,
    unreachable: reached?.found ?? NO_FINDINGS,
    evidence: { rows, shown: seen?.count ?? null, reachable: reached?.count ?? null },
  }
}
