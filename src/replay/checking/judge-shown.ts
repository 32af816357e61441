import type { StoredMessage } from './judge.js'

/** A message as it was shown to guests or operators; absent fields are not compared. */
export interface ShownMessage {
  readonly id: number
  readonly conversation?: string | undefined
  readonly text?: string | null | undefined
  readonly imageUrl?: string | null | undefined
}

export interface ShownNotStored {
  readonly id: number
  readonly reason: string
}

/** Compares broadcast messages with the rows of their ids: everything that is shown must be stored. */
export const judgeShown = (
  shown: readonly ShownMessage[],
  stored: readonly StoredMessage[],
): readonly ShownNotStored[] => {
  const byId = new Map(stored.map((row) => [row.id, row]))
  return shown.flatMap((message) => {
    const row = byId.get(message.id)
    if (row === undefined) return [{ id: message.id, reason: 'was shown, and is not stored' }]
    const differing = [
      ...(differs(message.conversation, row.sessionId) ? ['sessionId'] : []),
      ...(['text', 'imageUrl'] as const).filter((column) => differs(message[column], row[column])),
    ]
    if (differing.length === 0) return []
    return [{ id: message.id, reason: `was shown differently than it is stored, in ${differing.join(', ')}` }]
  })
}

const differs = (shown: string | null | undefined, stored: string | null): boolean =>
  shown !== undefined && shown !== stored
