import type { ConnectionTarget } from '../database/connection-target.js'
import { createChatStore, type ChatStore } from '../persistence/chat-store.js'
import { DatabaseRefused, IdempotencyConflict, InvalidMessage, MessageNotStored } from '../persistence/errors.js'
import { toStorablePhone, toStorableText, toUsername } from '../persistence/prepare-message.js'
import { withOperatorDirectory, type OperatorDirectory } from './operator-directory.js'
import type { KeyedMessage } from './read-transcript.js'
import type { Sender, SendOutcome } from './sender.js'
import { toNewChatMessage } from './transcript-line.js'

/** Provides a sender into one database for as long as the work lasts. */
export const withStoreSender = async <T>(target: ConnectionTarget, work: (sender: Sender) => Promise<T>): Promise<T> =>
  withOperatorDirectory(target, async (operators) => {
    const store = createChatStore({ target }, { applicationName: 'chatkeep replay' })
    const sender = createStoreSender(store, operators)
    try {
      return await work(sender)
    } finally {
      await sender.close()
    }
  })

/** Saves each message through the core, with the instant at which it was written. Closes the store when it is closed. */
export const createStoreSender = (store: ChatStore, operators: OperatorDirectory): Sender => ({
  send: async ({ message, key }) => {
    const operatorId = message.from === 'operator' ? await operators.idOf(message.operator) : null
    try {
      const { duplicate } = await store.saveChatMessage({
        ...toNewChatMessage(message),
        operatorId,
        idempotencyKey: key,
      })
      return { kind: duplicate ? 'duplicate' : 'saved' }
    } catch (error) {
      return rejectionOf(error)
    }
  },
  expectedRow: async ({ message, key }: KeyedMessage) => ({
    idempotencyKey: key,
    senderType: message.from === 'client' ? 'CLIENT' : 'OPERATOR',
    text: toStorableText(message.text),
    guestUsername: toUsername(message.username),
    sessionId: toStorableText(message.conversation),
    createdAt: message.at,
    guestPhone: toStorablePhone(message.phone),
    operatorId: message.from === 'operator' ? await operators.idOf(message.operator) : null,
  }),
  close: () => store.close(),
})

/**
 * Classes of SQLSTATE that blame the row: data exception, integrity constraint violation, program limit exceeded
 * (an index entry too long), and an exception raised by a trigger.
 */
const BLAMES_THE_ROW = /^(22|23|54|P0001)/

/** Of class 22, but true for every row: the sequence of the ids has come to its end. */
const SEQUENCE_LIMIT_EXCEEDED = '2200H'

const rejectionOf = (error: unknown): SendOutcome => {
  if (error instanceof InvalidMessage || error instanceof IdempotencyConflict) {
    return { kind: 'rejected', reason: error.message }
  }
  if (error instanceof MessageNotStored) return { kind: 'rejected', reason: error.message }
  const sqlState = error instanceof DatabaseRefused ? (error.sqlState ?? '') : ''
  if (BLAMES_THE_ROW.test(sqlState) && sqlState !== SEQUENCE_LIMIT_EXCEEDED) {
    return { kind: 'rejected', reason: `${(error as DatabaseRefused).message} [${sqlState}]` }
  }
  throw error
}
