/** Where a message goes. */
export type SinkMode =
  /** Into the database. */
  | { readonly kind: 'direct' }
  /** Into the journal, which waits for the database; `reason` is the code of the last failure. */
  | { readonly kind: 'queueing'; readonly reason: string }
  /** Into the journal, whose messages are on their way into the database: those that waited go first. */
  | { readonly kind: 'draining' }

/** A mode in which messages go to the journal. */
export type JournalMode = Exclude<SinkMode, { readonly kind: 'direct' }>

export type SinkEvent =
  /** The database did not take a message, of a sender or of the journal. */
  | { readonly kind: 'unavailable'; readonly code: string }
  /** The database takes messages of the journal. */
  | { readonly kind: 'available' }
  /** The journal is empty. */
  | { readonly kind: 'drained' }

/** The mode at the start, by what an earlier process left in the journal. */
export const firstMode = (waiting: number): SinkMode => (waiting > 0 ? { kind: 'draining' } : { kind: 'direct' })

/**
 * The mode after an event. Only an empty journal leads back to `direct`: until then every message goes to the journal, which
 * keeps the order of each conversation and makes no sender wait for a time-out.
 */
export const next = (mode: SinkMode, event: SinkEvent): SinkMode => {
  switch (event.kind) {
    case 'unavailable':
      return { kind: 'queueing', reason: event.code }
    case 'available':
      return mode.kind === 'queueing' ? { kind: 'draining' } : mode
    case 'drained':
      return { kind: 'direct' }
  }
}

/** The reason that a sender reads in `messageQueued`. */
export const reasonOf = (mode: JournalMode): string => (mode.kind === 'draining' ? 'journal_draining' : mode.reason)
