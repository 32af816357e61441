import type { OpenTransaction } from './open-transactions.js'

/** Transactions that were open at a moment, and are not known to have ended. */
export interface Watch {
  /** The moment, in the order of the cursor. */
  readonly since: bigint
  /** Virtual transaction ids. */
  readonly open: readonly string[]
}

/** What a cursor knows of the transactions of others. */
export interface Watching {
  /** All transactions that were open at that moment have ended, and what is behind it is known once the next page has been read. */
  readonly ended?: bigint | undefined
  readonly watch?: Watch | undefined
}

/** What a reading shows of them. */
export interface Sighting {
  /** What is watched from now on, if nothing else is. */
  readonly at: bigint
  readonly open: readonly OpenTransaction[]
  /** The cursor has so much to remember that a transaction that has not written to the table no longer counts. */
  readonly isMuch: boolean
}

/** The transactions that are watched have ended: this is known of later snapshots, not of the one of this reading. */
export const watchOn = (
  { ended, watch }: Watching,
  { at, open, isMuch }: Sighting,
): { readonly ended: bigint | undefined; readonly watch: Watch } => {
  const afresh = { since: at, open: open.filter(({ isPrepared }) => !isPrepared).map(({ id }) => id) }
  if (watch === undefined) return { ended, watch: afresh }
  const left = new Set((isMuch ? open.filter(({ writes }) => writes) : open).map(({ id }) => id))
  const still = watch.open.filter((id) => left.has(id))
  // A transaction that was watched may have been prepared since, under another id.
  const hasEnded = still.length === 0 && !open.some(({ isPrepared }) => isPrepared)
  return hasEnded ? { ended: watch.since, watch: afresh } : { ended, watch: { since: watch.since, open: still } }
}
