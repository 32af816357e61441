import type { DoubledMessage, UnexpectedRow } from './judge.js'

/** A row that appeared since the run began, in any conversation. */
export interface NewRow {
  readonly id: number
  readonly sessionId: string | null
  readonly idempotencyKey: string | null
}

/** A row, and the rows of its conversation with the same sender type and content. */
export interface Twins {
  readonly id: number
  readonly twinIds: readonly number[]
}

/** What the run knows about rows that appeared since it began. */
export interface Accounts {
  isAccounted(id: number): boolean
  isOurConversation(sessionId: string): boolean
}

/** Finds, among the rows that appeared since the run began, those in its conversations that no line accounts for. */
export const findForeignRows = (rows: readonly NewRow[], accounts: Accounts): readonly NewRow[] =>
  rows.filter(
    ({ id, sessionId }) => sessionId !== null && accounts.isOurConversation(sessionId) && !accounts.isAccounted(id),
  )

/** A foreign row with the content of a message of the run repeats it; any other is unexpected. */
export const judgeForeignRows = (
  rows: readonly NewRow[],
  twins: readonly Twins[],
  accounts: Accounts,
): { readonly doubled: readonly DoubledMessage[]; readonly unexpected: readonly UnexpectedRow[] } => {
  const originals = new Map(twins.map(({ id, twinIds }) => [id, twinIds.find((twin) => accounts.isAccounted(twin))]))
  return {
    doubled: rows.flatMap(({ id }) => {
      const original = originals.get(id)
      return original === undefined ? [] : [{ line: null, ids: [original, id] }]
    }),
    unexpected: rows
      .filter(({ id }) => originals.get(id) === undefined)
      .map(({ id, idempotencyKey }) => ({
        id,
        line: null,
        reason: `was written during the run into a conversation of the transcript, ${
          idempotencyKey === null ? 'without a key' : 'under a key that no line has'
        }`,
      })),
  }
}
