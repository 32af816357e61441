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
  readonly messageType: string
  readonly imageUrl: string | null
  readonly imageName: string | null
  readonly mimeType: string | null
  readonly guestPhone: string | null
  readonly operatorId: number | null
  readonly clientId: number | null
  /** Name of the client that the row is linked to. */
  readonly clientUsername: string | null
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
  /** How many rows are linked to no client; they are kept, and `reconcile` links them. */
  readonly withoutClient: number
  /** Ids of all rows that belong to a line. */
  readonly accounted: readonly number[]
}

/**
 * Compares what was sent with the rows found under its keys.
 * @param highWaterMark rows up to this id are older than the run: their operators and clients may have changed since
 */
export const judge = (
  expected: readonly ExpectedMessage[],
  stored: readonly StoredMessage[],
  highWaterMark = 0,
): Verdict => {
  const byKey = groupByKey(stored)
  const matched = expected.map((message) => ({ message, rows: byKey.get(message.idempotencyKey) ?? [] }))
  return {
    lost: matched
      .filter(({ message, rows }) => message.acknowledged && rows.length === 0)
      .map(({ message }) => message.line),
    doubled: matched
      .filter(({ rows }) => rows.length > 1)
      .map(({ message, rows }) => ({ line: message.line, ids: rows.map(({ id }) => id) })),
    unexpected: matched.flatMap(({ message, rows }) =>
      rows.flatMap((row) => differenceOf(message, row, row.id > highWaterMark)),
    ),
    withoutClient: matched.flatMap(({ rows }) => rows).filter(({ clientId }) => clientId === null).length,
    accounted: matched.flatMap(({ rows }) => rows.map(({ id }) => id)),
  }
}

const groupByKey = (rows: readonly StoredMessage[]): ReadonlyMap<string, readonly StoredMessage[]> => {
  const groups = new Map<string, StoredMessage[]>()
  for (const row of rows) groups.set(row.idempotencyKey, [...(groups.get(row.idempotencyKey) ?? []), row])
  return groups
}

const differenceOf = (message: ExpectedMessage, row: StoredMessage, isNew: boolean): readonly UnexpectedRow[] => {
  const columns = (['senderType', 'text', 'guestUsername', 'sessionId'] as const).filter(
    (column) => message[column] !== row[column],
  )
  const isAtTime = message.createdAt === null || +message.createdAt === +row.createdAt
  const differing = [...columns, ...(isAtTime ? [] : ['createdAt']), ...contactDifferences(message, row, isNew)]
  if (differing.length === 0) return []
  return [{ id: row.id, line: message.line, reason: `differs from its line in ${differing.join(', ')}` }]
}

const contactDifferences = (message: ExpectedMessage, row: StoredMessage, isNew: boolean): readonly string[] => [
  ...((message.messageType ?? 'TEXT') === row.messageType ? [] : ['messageType']),
  ...(['imageUrl', 'imageName', 'mimeType'] as const).filter((column) => (message[column] ?? null) !== row[column]),
  ...(message.guestPhone === undefined || message.guestPhone === row.guestPhone ? [] : ['guestPhone']),
  ...(!isNew || message.operatorId === row.operatorId ? [] : ['operatorId']),
  ...(!isNew || row.clientId === null || row.clientUsername === message.guestUsername ? [] : ['clientId']),
]

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
