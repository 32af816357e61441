import type { PendingSave } from '../pending-save.js'

/**
 * Messages of a batch that failed alone, with an error that affects every message by its class. It is a message's own error
 * only if others of the same kind are stored after it: a trigger may depend on the kind.
 */
export interface Suspects {
  /** Number of messages that were stored. */
  stored(): number
  noteStored(one: PendingSave): void
  add(one: PendingSave, error: unknown): void
  has(one: PendingSave): boolean
  errorOf(one: PendingSave): unknown
  /** Whether others of its kind were stored after it failed, so that not every message fails. */
  isRefuted(one: PendingSave): boolean
  all(): readonly PendingSave[]
}

export const createSuspects = (): Suspects => {
  const failed = new Map<PendingSave, { readonly error: unknown; readonly storedBefore: number }>()
  const storedByKind = new Map<string, number>()
  let stored = 0
  const storedLike = (one: PendingSave): number => storedByKind.get(kindOf(one)) ?? 0
  return {
    stored: () => stored,
    noteStored: (one) => {
      stored += 1
      storedByKind.set(kindOf(one), storedLike(one) + 1)
    },
    add: (one, error) => void failed.set(one, { error, storedBefore: storedLike(one) }),
    has: (one) => failed.has(one),
    errorOf: (one) => failed.get(one)?.error,
    isRefuted: (one) => storedLike(one) > (failed.get(one)?.storedBefore ?? Infinity),
    all: () => [...failed.keys()],
  }
}

const kindOf = ({ message: { senderType, messageType } }: PendingSave): string => `${senderType} ${messageType}`

/** Enough that all of them are rarely the only ones that fail. */
const SAMPLE_MESSAGES = 4

/** A few messages from the whole batch, each the first of its sender, which keeps their order. */
export const sampleOf = <Pending extends Pick<PendingSave, 'sender'>>(
  batch: readonly Pending[],
): readonly Pending[] => {
  const firsts = new Map<string, Pending>()
  for (const one of batch) if (!firsts.has(one.sender)) firsts.set(one.sender, one)
  const all = [...firsts.values()]
  if (all.length <= SAMPLE_MESSAGES) return all
  const step = (all.length - 1) / (SAMPLE_MESSAGES - 1)
  const picked = new Set(Array.from({ length: SAMPLE_MESSAGES }, (_, n) => Math.round(n * step)))
  return all.filter((_one, index) => picked.has(index))
}
