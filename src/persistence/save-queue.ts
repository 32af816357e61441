import { onAbort, OwnSignal } from '../concurrency/abortable.js'
import { StoreOverloaded, StoreUnavailable } from './errors.js'
import type { SavedChatMessage } from './message.js'
import type { PreparedMessage } from './prepare-message.js'
import {
  abortSave,
  createPendingSave,
  giveUp as giveUpSave,
  heldUp,
  unavailable,
  unsettled,
  type PendingSave,
} from './pending-save.js'
import { ownKeyOf } from './keys/key-scope.js'
import { backoffMs, saveWithRetries, type SaveBatch } from './retry.js'
import { patienceOf, type CallOptions } from './store/call-options.js'
import { waitEndsInMs } from './locks/patience.js'
import { traceSave } from './trace-save.js'
import { isOverLimit, mayBegin, sendersPerBatch, takeBatch } from './take-batch.js'
import { closedMeanwhile } from './store/closed-meanwhile.js'

export interface SaveQueueLimits {
  /** Most messages that wait or are being saved; the next one is refused with `StoreOverloaded`. */
  readonly maxMessages: number
  /** Most bytes of their texts and images; a single message may be larger. */
  readonly maxBytes: number
  /** How long a message is retried, in milliseconds. */
  readonly deadlineMs: number
  /** How long a call waits for its answer at most, in milliseconds. */
  readonly patienceMs: number
  /** Why a message that waited for so long was not saved. */
  readonly whyLate: (waitedMs: number) => unknown
}

/** Collects the messages of concurrent calls into batches, so that they share commits. */
export interface SaveQueue {
  /** What waits or is being saved. */
  readonly load: QueueLoad
  /**
   * @throws StoreOverloaded, StoreUnavailable, IdempotencyConflict, DatabaseRefused, SchemaNotReady, and the signal's
   *   reason for a message that was never sent
   */
  save(message: PreparedMessage, options?: CallOptions): Promise<SavedChatMessage>
  /** Fails what is not saved yet, because the store is closed, with `StoreUnavailable`; it may be stored. */
  giveUp(): void
}

/** Messages in a queue, and the bytes of their texts and images. */
export interface QueueLoad {
  readonly messages: number
  readonly bytes: number
}

/** How often to look for messages that waited too long. The timer does not keep the process alive: the connection that they wait for does. */
const SWEEP_MS = 250

interface Entry extends PendingSave {
  readonly bytes: number
  /** When its call stops waiting, in milliseconds since 1970. */
  readonly lateAt: number
}

/** One sender's messages, in order. Only one batch at a time has unanswered messages of a sender, which keeps their order. */
interface Sender {
  readonly name: string
  waiting: Entry[]
  /** How often in a row it waited for a row lock. */
  delays: number
  /** The first of those that waited for it. */
  blocked: Entry | undefined
}

/**
 * Makes a queue. A batch is what arrived while the previous batches were being written: there is no timer, so a single call
 * does not wait, and batches grow with the load.
 */
export const createSaveQueue = (limits: SaveQueueLimits, saveBatch: SaveBatch): SaveQueue => {
  const senders = new Map<string, Sender>()
  /** Senders with waiting messages, none in a running batch, and not delayed by a row lock. */
  const ready = new Set<Sender>()
  /** The running batches, and when each began. */
  const running = new Set<{ readonly since: number; readonly entries: readonly Entry[] }>()
  const load = { messages: 0, bytes: 0 }
  let isScheduled = false
  let sweeper: NodeJS.Timeout | undefined

  const save = (message: PreparedMessage, { signal, deadlineMs }: CallOptions = {}): Promise<SavedChatMessage> => {
    const size = contentBytes(message)
    if (isOverLimit(load, size, { messages: limits.maxMessages, bytes: limits.maxBytes })) {
      return Promise.reject(new StoreOverloaded(load.messages))
    }
    load.messages += 1
    load.bytes += size
    const now = Date.now()
    const pending = createPendingSave(message, now + (deadlineMs ?? limits.deadlineMs))
    const lateAt = now + (deadlineMs === undefined ? limits.patienceMs : patienceOf(deadlineMs))
    const entry: Entry = Object.assign(pending, { bytes: size, lateAt })
    // The sweep alone would be late for a short deadline.
    const timer = deadlineMs === undefined ? undefined : setTimeout(failLate, lateAt - now, [entry], lateAt)
    const stopListening = signal && onAbort(signal, () => abortSave(entry, signal.reason))
    enqueue(entry)
    return traceSave(entry).finally(() => {
      clearTimeout(timer)
      stopListening?.()
      load.messages -= 1
      load.bytes -= size
    })
  }

  const enqueue = (entry: Entry): void => {
    const known = senders.get(entry.sender)
    if (known === undefined) {
      const sender: Sender = { name: entry.sender, waiting: [entry], delays: 0, blocked: undefined }
      senders.set(entry.sender, sender)
      ready.add(sender)
    } else known.waiting.push(entry)
    sweeper ??= setInterval(sweep, SWEEP_MS).unref()
    schedule()
  }

  // Calls of one turn of the event loop go into one batch.
  const schedule = (): void => {
    if (isScheduled || ready.size === 0 || !mayBegin(runningMs())) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      void run(take())
      schedule()
    })
  }

  const runningMs = (): readonly number[] => {
    const now = Date.now()
    return Array.from(running, ({ since }) => now - since)
  }

  const run = async (batch: ReadonlyMap<Sender, readonly Entry[]>): Promise<void> => {
    const entries = [...batch.values()].flat()
    const own = { since: Date.now(), entries }
    running.add(own)
    const unwanted = new OwnSignal()
    const open = new Map(batch)
    const giveBackOnce = (sender: Sender): void => {
      const messagesOfSender = open.get(sender)
      if (open.delete(sender) && messagesOfSender !== undefined) giveBack(sender, messagesOfSender, own.since)
    }
    let unanswered = entries.length
    for (const [sender, messagesOfSender] of batch) {
      let unansweredOfSender = messagesOfSender.length
      const onSettled = (): void => {
        unanswered -= 1
        unansweredOfSender -= 1
        // Not before the others of the batch are done, if one that was given up may still be stored: the next would overtake it.
        if (unansweredOfSender === 0 && !messagesOfSender.some(isGivenUp)) giveBackOnce(sender)
        if (unanswered === 0 && entries.some(isGivenUp)) unwanted.abort(new Error('no call waits for its answer'))
      }
      for (const one of messagesOfSender) one.onSettled = onSettled
    }
    await saveWithRetries(entries, saveBatch, unwanted)
    running.delete(own)
    for (const sender of batch.keys()) giveBackOnce(sender)
    schedule()
  }

  const take = (): ReadonlyMap<Sender, readonly Entry[]> => {
    const batch = new Map<Sender, readonly Entry[]>()
    for (const [sender, count] of takeBatch(unsettledOf(ready), sendersPerBatch(ready.size, running.size))) {
      batch.set(sender, sender.waiting.slice(0, count))
      sender.waiting = sender.waiting.slice(count)
      ready.delete(sender)
    }
    return batch
  }

  const giveBack = (sender: Sender, entries: readonly Entry[], triedAt: number): void => {
    const blocked = unsettled(entries)
    sender.waiting.unshift(...blocked)
    sender.blocked = blocked[0]
    if (sender.waiting.length === 0) senders.delete(sender.name)
    else if (blocked.length === 0) {
      sender.delays = 0
      makeReady(sender)
    } else {
      sender.delays += 1
      const waits = blocked.slice(0, 1).map((first) => waitEndsInMs(first, triedAt))
      setTimeout(makeReady, Math.min(backoffMs(sender.delays), ...waits), sender)
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

  // Running batches as well: whatever blocks a batch, its callers get their error in time and can retry with the same key.
  const failLate = (entries: readonly Entry[], now = Date.now()): void => {
    for (const entry of unsettled(entries)) if (now >= entry.lateAt) giveUpSave(entry, lateError(entry))
  }

  // What an earlier attempt may have left in the server can hold the key itself: then the connection is the reason.
  const lateError = (entry: Entry): StoreUnavailable => {
    const blocked = senders.get(entry.sender)?.blocked
    return blocked?.heldBy === undefined || blocked.outcomeUnknown
      ? unavailable(entry, entry.lastError ?? limits.whyLate(Date.now() - entry.since))
      : heldUp(entry, blocked.heldBy)
  }

  const giveUp = (): void => {
    const queued = Array.from(senders.values(), ({ waiting }) => waiting)
    const open = unsettled([...[...running].flatMap(({ entries }) => entries), ...queued.flat()])
    for (const entry of open)
      giveUpSave(entry, new StoreUnavailable('', closedMeanwhile('save'), ownKeyOf(entry.message)))
  }

  return { load, save, giveUp }
}

const isGivenUp = (entry: Entry): boolean => entry.isGivenUp

/** Senders without the messages that were answered while they waited. */
function* unsettledOf(senders: Iterable<Sender>): Generator<Sender> {
  for (const sender of senders) {
    sender.waiting = unsettled(sender.waiting)
    yield sender
  }
}

const contentBytes = ({ text, imageUrl }: PreparedMessage): number =>
  Buffer.byteLength(text ?? '') + Buffer.byteLength(imageUrl ?? '')
