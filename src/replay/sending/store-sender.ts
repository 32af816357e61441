import type { ConnectionTarget } from '../../database/connection-target.js'
import { createBulkStore, type BulkStore } from '../../persistence/bulk-store.js'
import { StoreError } from '../../persistence/errors.js'
import type { SavedChatMessage } from '../../persistence/message.js'
import { createBatches, type BatchLimits } from './batches.js'
import { expectStoreRow } from '../checking/expected-rows.js'
import { withOperatorDirectory, type OperatorDirectory } from '../checking/operator-directory.js'
import type { Sender, SendOutcome } from './sender.js'
import { toNewChatMessage } from '../../transcripts/transcript-line.js'

/** Large enough for COPY to be worth it, small enough for memory and a quick end on Ctrl-C. */
const LIMITS: BatchLimits = { items: 2_000, weight: 4 * 1_048_576 }

/** Runs work with a sender into one database. */
export const withStoreSender = async <T>(target: ConnectionTarget, work: (sender: Sender) => Promise<T>): Promise<T> =>
  withOperatorDirectory(target, async (operators) => {
    const sender = createStoreSender(createBulkStore(target, 'chatkeep replay'), operators)
    try {
      return await work(sender)
    } finally {
      await sender.close()
    }
  })

/** A sender that saves messages through the core, with their original times. Closing it closes the store. */
const createStoreSender = (store: BulkStore, operators: OperatorDirectory): Sender => ({
  open: (onOutcome) =>
    createBatches(LIMITS, async (batch) => {
      const messages = await Promise.all(
        batch.map(async ({ message, key }) => ({
          ...toNewChatMessage(message),
          operatorId: await operators.idOfWriter(message),
          idempotencyKey: key,
        })),
      )
      const outcomes = await store.saveChatMessages(messages)
      // Outcomes are reported before the error that ends the run: messages after it may be saved.
      const fatal = outcomes.find((outcome) => toSendOutcome(outcome) === undefined)
      for (const [index, outcome] of outcomes.entries()) {
        const sent = toSendOutcome(outcome)
        if (sent !== undefined) onOutcome(batch[index]?.line ?? 0, sent)
      }
      if (fatal?.status === 'rejected') throw fatal.reason
    }),
  expectedRow: expectStoreRow(operators),
  close: () => store.close(),
})

/** @returns undefined for an error that is not the message's fault */
const toSendOutcome = (outcome: PromiseSettledResult<SavedChatMessage>): SendOutcome | undefined => {
  if (outcome.status === 'fulfilled') return { kind: outcome.value.duplicate ? 'duplicate' : 'saved' }
  const error: unknown = outcome.reason
  if (!(error instanceof StoreError) || error.blames !== 'message') return undefined
  const sqlState = error.sqlState === undefined ? '' : ` [${error.sqlState}]`
  return { kind: 'rejected', reason: `${error.message}${sqlState}` }
}
