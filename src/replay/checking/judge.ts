import { isEditable, NO_CHANGES, type Change, type ChangeCounts, type Changes } from './changes.js'
import { isEarlier, NO_IDS, type EarlierIds } from './earlier-ids.js'
import type { ExpectedContent } from './expected-content.js'

/** The outcome of a message: acknowledged, refused for good, or unknown (no answer, or the run ended). */
export type Outcome = 'ok' | 'fail' | 'info'

/** A message that was sent, and the row that must be found for it. */
export interface ExpectedMessage extends ExpectedContent {
  /** Names it in findings: its line in the transcript, or its index in the run. */
  readonly line: number
  readonly outcome: Outcome
  /** Id that the server acknowledged; absent or null when it gave none. */
  readonly acknowledgedId?: number | null | undefined
}

/** A row as it was read back. */
export interface StoredMessage {
  readonly id: number
  readonly idempotencyKey: string | null
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
  /** Whether that client had the guest's name before it was renamed or merged. */
  readonly isFormerName: boolean
}

export interface DoubledMessage {
  /** Null when the second row has another key, or none. */
  readonly line: number | null
  readonly ids: readonly number[]
}

/** A row that differs from what was sent. */
export interface AlteredRow {
  readonly id: number
  readonly line: number
  readonly reason: string
}

/** A row that no message of the run accounts for. */
export interface UnexpectedRow {
  readonly id: number
  /** Null when no line accounts for the row. */
  readonly line: number | null
  readonly reason: string
}

export interface Verdict extends ChangeCounts {
  /** Lines of messages that were acknowledged and are not in the database, though nobody deleted them. */
  readonly lost: readonly number[]
  readonly doubled: readonly DoubledMessage[]
  readonly altered: readonly AlteredRow[]
  readonly unexpected: readonly UnexpectedRow[]
  /** How many messages of unknown outcome are stored. */
  readonly recovered: number
  /** How many rows have no client; `reconcile` links them. */
  readonly withoutClient: number
  /** Every message with the rows that were found under its key. */
  readonly matched: readonly MatchedMessage[]
}

export interface MatchedMessage {
  readonly message: ExpectedMessage
  readonly rows: readonly StoredMessage[]
  readonly change?: Change | undefined
}

/**
 * Compares what was sent with the rows found under its keys.
 * @param earlier ids of rows that are older than the run; their operators and clients may have changed since
 * @param changes what was edited or deleted by `editMessage` and `deleteMessage`
 */
export const judge = (
  expected: readonly ExpectedMessage[],
  stored: readonly StoredMessage[],
  earlier: EarlierIds = NO_IDS,
  changes: Changes = NO_CHANGES,
): Verdict => {
  const byKey = groupByKey(stored)
  const matched = expected.map((message) => ({
    message,
    rows: byKey.get(message.idempotencyKey) ?? [],
    change: changes.get(message.idempotencyKey),
  }))
  const missing = matched.filter(({ message, rows }) => message.outcome === 'ok' && rows.length === 0)
  return {
    lost: missing.filter(({ change }) => change !== 'deleted').map(({ message }) => message.line),
    deleted: missing.filter(({ change }) => change === 'deleted').length,
    edited: matched.filter(({ change, rows }) => change === 'edited' && rows.length > 0).length,
    doubled: matched
      .filter(({ rows }) => rows.length > 1)
      .map(({ message, rows }) => ({ line: message.line, ids: rows.map(({ id }) => id) })),
    altered: matched.flatMap((one) => alterationsOf(one, earlier)),
    unexpected: matched.flatMap((one) => storedThoughRefused(one, earlier)),
    recovered: matched.filter(({ message, rows }) => message.outcome === 'info' && rows.length > 0).length,
    withoutClient: matched.flatMap(({ rows }) => rows).filter(({ clientId }) => clientId === null).length,
    matched,
  }
}

const groupByKey = (rows: readonly StoredMessage[]): ReadonlyMap<string | null, readonly StoredMessage[]> => {
  const groups = new Map<string | null, StoredMessage[]>()
  for (const row of rows) groups.set(row.idempotencyKey, [...(groups.get(row.idempotencyKey) ?? []), row])
  return groups
}

const alterationsOf = ({ message, rows, change }: MatchedMessage, earlier: EarlierIds): readonly AlteredRow[] =>
  rows.flatMap((row) => {
    const differing = differencesOf(message, row, !isEarlier(earlier, row.id)).filter(
      (column) => change !== 'edited' || !isEditable(column),
    )
    const reason = `differs from its line in ${differing.join(', ')}`
    const isOther = message.acknowledgedId != null && rows.every(({ id }) => id !== message.acknowledgedId)
    return [
      ...(differing.length === 0 ? [] : [{ id: row.id, line: message.line, reason }]),
      ...(isOther
        ? [{ id: row.id, line: message.line, reason: `was acknowledged as message ${message.acknowledgedId}` }]
        : []),
    ]
  })

/** The columns in which a row differs from what was sent. */
const differencesOf = (message: ExpectedMessage, row: StoredMessage, isNew: boolean): readonly string[] => [
  ...(['senderType', 'text', 'guestUsername', 'sessionId'] as const).filter(
    (column) => message[column] !== row[column],
  ),
  ...(message.createdAt === null || +message.createdAt === +row.createdAt ? [] : ['createdAt']),
  ...((message.messageType ?? 'TEXT') === row.messageType ? [] : ['messageType']),
  ...(['imageUrl', 'imageName', 'mimeType'] as const).filter((column) => (message[column] ?? null) !== row[column]),
  ...(message.guestPhone === undefined || message.guestPhone === row.guestPhone ? [] : ['guestPhone']),
  ...(!isNew || message.operatorId === row.operatorId ? [] : ['operatorId']),
  ...(!isNew || row.clientId === null || isClientOf(row, message.guestUsername) ? [] : ['clientId']),
]

const isClientOf = ({ clientUsername, isFormerName }: StoredMessage, guestUsername: string | null): boolean =>
  guestUsername === null || clientUsername === guestUsername || isFormerName

// A refused message whose key belongs to a row with other content was refused because of that row; a row with the same content is its own.
const storedThoughRefused = ({ message, rows }: MatchedMessage, earlier: EarlierIds): readonly UnexpectedRow[] =>
  message.outcome !== 'fail'
    ? []
    : rows
        .filter((row) => !isEarlier(earlier, row.id) && differencesOf(message, row, true).length === 0)
        .map(({ id }) => ({ id, line: message.line, reason: 'was refused, and is stored' }))
