import type { PreparedMessage } from './prepare-message.js'

/** Most messages and bytes of one batch. */
const BATCH_MESSAGES = 256
const BATCH_BYTES = 4 * 1_048_576

/** Most messages of one sender in a batch, so that one who floods leaves room for the others. */
const BATCH_MESSAGES_OF_A_SENDER = 64

/** Batches that usually run at once, each on a connection of its own: one is written while the next is built. More would only be smaller. */
const USUAL_BATCHES = 2

/** Batches that may run at once when all of them take long, as on a connection that went silent. */
const MOST_BATCHES = 4

/** From when on a batch takes long. */
const LONG_BATCH_MS = 250

/** Fewer senders than this are not divided: a batch has a fixed cost that equals that of several messages. */
const SMALLEST_SHARE = 8

/** A message that waits, with what decides whether it fits. */
export interface WaitingMessage {
  readonly message: Pick<PreparedMessage, 'clientId' | 'guestUsername'>
  readonly bytes: number
}

/** What waits or is under way. */
export interface QueueLoad {
  readonly messages: number
  readonly bytes: number
}

/** Whether one more message of this size exceeds the limits. The first message fits whatever its size. */
export const isOverLimit = (load: QueueLoad, messageBytes: number, most: QueueLoad): boolean =>
  load.messages >= most.messages || (load.messages > 0 && load.bytes + messageBytes > most.bytes)

/** Whether another batch may begin beside those that run, given for how long each has been running. */
export const mayBegin = (runningMs: readonly number[]): boolean => {
  if (runningMs.length < USUAL_BATCHES) return true
  return runningMs.length < MOST_BATCHES && runningMs.every((ms) => ms > LONG_BATCH_MS)
}

/** Most senders of the next batch: those that are ready are divided among the batches that may begin. */
export const sendersPerBatch = (readySenders: number, runningBatches: number): number =>
  Math.max(SMALLEST_SHARE, Math.ceil(readySenders / Math.max(1, USUAL_BATCHES - runningBatches)))

/**
 * Chooses the next batch: of each sender, in turn, its first messages. Reads no more senders than it needs.
 * @returns how many messages the batch takes of each of its senders; 0 of a sender that has none
 */
export const takeBatch = <Sender extends { readonly waiting: readonly WaitingMessage[] }>(
  ready: Iterable<Sender>,
  mostSenders: number,
): ReadonlyMap<Sender, number> => {
  const batch = new Map<Sender, number>()
  const room = { messages: BATCH_MESSAGES, bytes: BATCH_BYTES }
  for (const sender of ready) {
    if (batch.size === mostSenders) break
    const count = countFitting(sender.waiting, room)
    if (count === 0 && sender.waiting.length > 0) break
    room.messages -= count
    for (const { bytes } of sender.waiting.slice(0, count)) room.bytes -= bytes
    batch.set(sender, count)
  }
  return batch
}

/** How many of a sender's messages, from the first, fit into what is left of a batch. */
const countFitting = (waiting: readonly WaitingMessage[], room: QueueLoad): number => {
  const most = Math.min(waiting.length, BATCH_MESSAGES_OF_A_SENDER, room.messages)
  let bytes = 0
  for (const [index, one] of waiting.slice(0, most).entries()) {
    bytes += one.bytes
    const isFirstOfBatch = index === 0 && room.messages === BATCH_MESSAGES
    if (bytes > room.bytes && !isFirstOfBatch) return index
    if (!isOfSameContact(one, waiting[0])) return index
  }
  return most
}

// A message whose guest has no client yet, or whose client was merged or renamed, is stored after the others of its batch; one of
// the same conversation for another contact would overtake it.
const isOfSameContact = ({ message }: WaitingMessage, first: WaitingMessage | undefined): boolean =>
  message.guestUsername === first?.message.guestUsername && message.clientId === first.message.clientId
