import type { ExpectedContent } from './sender.js'

/** A message that was sent, and what must be found for it. */
export interface ExpectedMessage extends ExpectedContent {
  readonly line: number
  /** Whether it was said to be kept; one that was rejected may be missing. */
  readonly acknowledged: boolean
}

/** A row as it was read back. */
export interface StoredMessage {
  readonly id: number
  readonly idempotencyKey: string
  readonly senderType: string
  readonly text: string | null
  readonly guestUsername: string | null
  readonly sessionId: string | null
  readonly createdAt: Date
}

/** A row, newer than the run, in a conversation of the transcript. */
export interface NewRow {
  readonly id: number
  readonly sessionId: string | null
  readonly idempotencyKey: string | null
}

export interface DoubledMessage {
  readonly line: number
  readonly ids: readonly number[]
}

/** A row that is not what the transcript says. */
export interface UnexpectedRow {
  readonly id: number
  /** Null when no line accounts for the row. */
  readonly line: number | null
  readonly reason: string
}

export interface Verdict {
  /** Lines whose messages were acknowledged and are not there. */
  readonly lost: readonly number[]
  readonly doubled: readonly DoubledMessage[]
  readonly unexpected: readonly UnexpectedRow[]
  /** Ids of all rows that belong to a line. */
  readonly accounted: readonly number[]
}

/** Compares what was sent with the rows found under its keys. */
export const judge = (expected: readonly ExpectedMessage[], stored: readonly StoredMessage[]): Verdict => {
  const byKey = groupByKey(stored)
  const matched = expected.map((message) => ({ message, rows: byKey.get(message.idempotencyKey) ?? [] }))
  return {
    lost: matched
      .filter(({ message, rows }) => message.acknowledged && rows.length === 0)
      .map(({ message }) => message.line),
    doubled: matched
      .filter(({ rows }) => rows.length > 1)
      .map(({ message, rows }) => ({ line: message.line, ids: rows.map(({ id }) => id) })),
    unexpected: matched.flatMap(({ message, rows }) => rows.flatMap((row) => differenceOf(message, row))),
    accounted: matched.flatMap(({ rows }) => rows.map(({ id }) => id)),
  }
}

const groupByKey = (rows: readonly StoredMessage[]): ReadonlyMap<string, readonly StoredMessage[]> => {
  const groups = new Map<string, StoredMessage[]>()
  for (const row of rows) groups.set(row.idempotencyKey, [...(groups.get(row.idempotencyKey) ?? []), row])
  return groups
}

const differenceOf = (message: ExpectedMessage, row: StoredMessage): readonly UnexpectedRow[] => {
  const columns = (['senderType', 'text', 'guestUsername', 'sessionId'] as const).filter(
    (column) => message[column] !== row[column],
  )
  const isAtTime = message.createdAt === null || +message.createdAt === +row.createdAt
  const differing = isAtTime ? columns : [...columns, 'createdAt']
  if (differing.length === 0) return []
  return [{ id: row.id, line: message.line, reason: `differs from its line in ${differing.join(', ')}` }]
}

/** Whether what the run knows accounts for a row that appeared since it began. */
export interface Accounts {
  isAccounted(id: number): boolean
  isOurConversation(sessionId: string): boolean
}

/** Finds, among the rows that appeared since the run began, those that no line accounts for. */
export const judgeNewRows = (rows: readonly NewRow[], accounts: Accounts): readonly UnexpectedRow[] =>
  rows
    .filter(
      ({ id, sessionId }) => sessionId !== null && accounts.isOurConversation(sessionId) && !accounts.isAccounted(id),
    )
    .map(({ id, idempotencyKey }) => ({
      id,
      line: null,
      reason: `was written during the run into a conversation of the transcript, ${
        idempotencyKey === null ? 'without a key' : 'under a key of no line'
      }`,
    }))
