import { StoreOverloaded } from './errors.js'
import type { SavedChatMessage } from './message.js'
import type { PreparedMessage } from './prepare-message.js'
import {
  createPendingSave,
  saveWithRetries,
  unavailable,
  unsettled,
  type PendingSave,
  type SaveBatch,
} from './pending-save.js'
import { backoffMs } from './retry.js'

export interface SaveQueueLimits {
  /** Most messages that may wait or be under way; the next one is refused with `StoreOverloaded`. */
  readonly maxMessages: number
  /** Most bytes of their contents, likewise; one message alone may be larger. */
  readonly maxBytes: number
  /** How long a message may be tried, in milliseconds. */
  readonly deadlineMs: number
  /** How long its call may wait for an answer in any case, in milliseconds. */
  readonly patienceMs: number
}

/** Collects the messages of concurrent calls into batches, so that they share commits. */
export interface SaveQueue {
  /** @throws StoreOverloaded, StoreUnavailable, IdempotencyConflict, DatabaseRefused, SchemaNotReady */
  save(message: PreparedMessage): Promise<SavedChatMessage>
}

/** Most messages and bytes of one batch. */
const BATCH_MESSAGES = 256
const BATCH_BYTES = 4 * 1_048_576

/** Most messages that one sender may have in a batch: one who floods leaves room for the others. */
const BATCH_MESSAGES_OF_A_SENDER = 64

/**
 * Batches under way at once, each on a connection of its own: one is written while the other is made. More would only be
 * smaller; but where both take long, as on a connection that went silent, others may begin.
 */
const USUAL_BATCHES = 2
const MOST_BATCHES = 4
const LONG_BATCH_MS = 250

/** Fewer senders are not shared out: a batch costs as much as some messages do. */
const SMALLEST_SHARE = 8

/** How often messages that wait too long are looked for; whatever they wait for keeps the process alive by itself. */
const SWEEP_MS = 250

interface Entry extends PendingSave {
  readonly bytes: number
  /** When its call has waited long enough, in milliseconds since 1970. */
  readonly lateAt: number
}

/** One sender's messages, in order. At most one batch has some of them at a time, so their order is kept. */
interface Sender {
  readonly name: string
  waiting: Entry[]
  /** Times in a row that a row lock held it up. */
  delays: number
}

interface Batch {
  readonly senders: ReadonlyMap<Sender, readonly Entry[]>
  readonly entries: readonly Entry[]
}

/**
 * A batch is whatever has gathered while the ones before were under way: no timer, so a lone call waits for nobody, and
 * under load batches grow by themselves.
 */
export const createSaveQueue = (limits: SaveQueueLimits, saveBatch: SaveBatch): SaveQueue => {
  const senders = new Map<string, Sender>()
  /** Senders with messages waiting, none under way, and no row lock in their way. */
  const ready = new Set<Sender>()
  /** The batches under way, and when each began. */
  const running = new Set<{ readonly since: number; readonly entries: readonly Entry[] }>()
  let messages = 0
  let bytes = 0
  let isScheduled = false
  let sweeper: NodeJS.Timeout | undefined

  const save = (message: PreparedMessage): Promise<SavedChatMessage> => {
    const size = contentBytes(message)
    if (messages >= limits.maxMessages || (messages > 0 && bytes + size > limits.maxBytes)) {
      return Promise.reject(new StoreOverloaded(messages))
    }
    messages += 1
    bytes += size
    const now = Date.now()
    const pending = createPendingSave(message, now + limits.deadlineMs)
    const entry = { ...pending, bytes: size, lateAt: now + limits.patienceMs }
    enqueue(entry)
    return entry.outcome.finally(() => {
      messages -= 1
      bytes -= size
    })
  }

  const enqueue = (entry: Entry): void => {
    const known = senders.get(entry.sender)
    if (known === undefined) {
      const sender: Sender = { name: entry.sender, waiting: [entry], delays: 0 }
      senders.set(entry.sender, sender)
      ready.add(sender)
    } else known.waiting.push(entry)
    sweeper ??= setInterval(sweep, SWEEP_MS).unref()
    schedule()
  }

  // Calls of one turn of the event loop go into one batch.
  const schedule = (): void => {
    if (isScheduled || ready.size === 0 || !hasRoom()) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      void run(takeBatch(ready, share()))
      schedule()
    })
  }

  const hasRoom = (): boolean => {
    if (running.size < USUAL_BATCHES) return true
    const longAgo = Date.now() - LONG_BATCH_MS
    return running.size < MOST_BATCHES && [...running].every(({ since }) => since < longAgo)
  }

  // What is ready is shared by the batches that may begin: one is written while the other is made.
  const share = (): number =>
    Math.max(SMALLEST_SHARE, Math.ceil(ready.size / Math.max(1, USUAL_BATCHES - running.size)))

  const run = async ({ senders: taken, entries }: Batch): Promise<void> => {
    const own = { since: Date.now(), entries }
    running.add(own)
    await saveWithRetries(entries, saveBatch)
    running.delete(own)
    for (const [sender, messagesOfSender] of taken) giveBack(sender, messagesOfSender)
    schedule()
  }

  const giveBack = (sender: Sender, entries: readonly Entry[]): void => {
    const blocked = unsettled(entries)
    sender.waiting.unshift(...blocked)
    if (sender.waiting.length === 0) senders.delete(sender.name)
    else if (blocked.length === 0) {
      sender.delays = 0
      makeReady(sender)
    } else {
      sender.delays += 1
      setTimeout(makeReady, backoffMs(sender.delays), sender)
    }
  }

  const makeReady = (sender: Sender): void => {
    ready.add(sender)
    schedule()
  }

  const sweep = (): void => {
    for (const { entries } of running) failLate(entries)
    for (const sender of senders.values()) {
      failLate(sender.waiting)
      sender.waiting = unsettled(sender.waiting)
    }
    schedule()
    if (senders.size > 0) return
    clearInterval(sweeper)
    sweeper = undefined
  }

  return { save }
}

// Those under way as well: whatever holds up a batch, its callers hear of it in time, and may send again with the same key.
const failLate = (entries: readonly Entry[]): void => {
  const now = Date.now()
  for (const entry of unsettled(entries)) {
    if (now >= entry.lateAt) entry.fail(unavailable(entry, new Error('the message waited too long')))
  }
}

const takeBatch = (ready: Set<Sender>, mostSenders: number): Batch => {
  const senders = new Map<Sender, readonly Entry[]>()
  const entries: Entry[] = []
  let size = 0
  for (const sender of ready) {
    if (senders.size === mostSenders) break
    // Those that waited too long have their answer already.
    const waiting = unsettled(sender.waiting)
    const most = Math.min(BATCH_MESSAGES_OF_A_SENDER, BATCH_MESSAGES - entries.length)
    let count = 0
    for (const entry of waiting.slice(0, most)) {
      if (size > 0 && size + entry.bytes > BATCH_BYTES) break
      if (!isOfSameContact(entry, waiting[0])) break
      size += entry.bytes
      count += 1
    }
    if (waiting.length > 0 && count === 0) break
    sender.waiting = waiting.slice(count)
    ready.delete(sender)
    senders.set(sender, waiting.slice(0, count))
    entries.push(...waiting.slice(0, count))
  }
  return { senders, entries }
}

// A message whose guest has no client yet is stored after the others of its batch; one of the same conversation that needs
// no such client would overtake it.
const isOfSameContact = ({ message }: Entry, first: Entry | undefined): boolean =>
  message.guestUsername === first?.message.guestUsername && message.clientId === first.message.clientId

const contentBytes = ({ text, imageUrl }: PreparedMessage): number =>
  Buffer.byteLength(text ?? '') + Buffer.byteLength(imageUrl ?? '')
