import { forgetOldest } from '../../collections/forget-oldest.js'
import { OperatorError } from '../../errors.js'
import type { SubmittedMessage } from '../../journal/submission.js'
import { isHeldByOthers } from '../../persistence/locks/held-by-others.js'
import type { SavedChatMessage } from '../../persistence/message.js'
import { mayBeStoredAfter } from '../../protocol/error-codes.js'

/** The messages whose last save failed and may have stored them all the same. */
export interface UnknownOutcomes {
  /**
   * Saves a message. One that an earlier save of this server stored without an answer is no duplicate: it was neither acknowledged
   * nor announced.
   * @throws what `save` throws
   */
  settle(message: SubmittedMessage, save: () => Promise<SavedChatMessage>): Promise<SavedChatMessage>
}

/** Enough for a resend, which follows its first attempt within seconds. */
const MAX_REMEMBERED = 10_000

export const createUnknownOutcomes = (): UnknownOutcomes => {
  const keys = new Set<string>()
  return {
    settle: async ({ idempotencyKey }, save) => {
      try {
        const saved = await save()
        return keys.delete(idempotencyKey) ? { ...saved, duplicate: false } : saved
      } catch (error) {
        if (isOutcomeUnknown(error)) {
          keys.add(idempotencyKey)
          forgetOldest(keys, MAX_REMEMBERED)
        }
        throw error
      }
    },
  }
}

/** What another transaction holds up is not stored by us: who holds its key announces it. */
export const isOutcomeUnknown = (error: unknown): boolean =>
  error instanceof OperatorError && mayBeStoredAfter(error.code) && !isHeldByOthers(error)
