import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { asyncClosable, type AsyncClosable, type NotYetClosable } from '../../closable.js'
import { guarded } from '../../application-callback.js'
import { onAbort } from '../../concurrency/abortable.js'
import { ExitCode, OperatorError } from '../../errors.js'
import { failureReason } from '../../database/connection-failure.js'
import { explainRefusedCall, StoreUnavailable } from '../errors.js'
import type { ChatMessage } from '../message.js'
import { backoffMs, isRetryable } from '../retry.js'
import type { IdSequence } from './id-sequence.js'
import { delivered, extended, formatLiveCursor, isFull, settled, type LiveCursor } from './live-cursor.js'
import { isReached, type Beginning, type LivePage } from './read-live.js'
import type { MessageListener, SubscriptionOptions } from './subscription-options.js'
import type { Waking } from './waking.js'

/** Messages that are delivered as they are stored. */
export interface MessageSubscription extends AsyncClosable {
  /** As `since`: continues behind the messages whose listener has ended. */
  readonly cursor: string
  /** Ends the subscription, and waits for the listener that is running, unless it is called there. Can be called twice. */
  close(): Promise<void>
}

/** How a subscription reads. */
export interface LiveReader {
  begin(signal: AbortSignal): Promise<Beginning>
  read(sequence: IdSequence, cursor: LiveCursor, signal: AbortSignal): Promise<LivePage>
}

export interface RunningSubscription {
  readonly subscription: MessageSubscription
  readonly waking: Waking
  /** Reports what is wrong, each reason once until a reading succeeds. */
  readonly report: (error: unknown) => void
}

/** Delivers messages one after the other, a page in memory at a time, until it is closed. */
export const runSubscription = (
  { reader, waking, onEnd }: { readonly reader: LiveReader; readonly waking: Waking; readonly onEnd: () => void },
  begun: Pick<Beginning, 'sequence' | 'cursor'>,
  listener: MessageListener,
  { onError, signal }: Pick<SubscriptionOptions, 'onError' | 'signal'>,
): RunningSubscription => {
  const closing = new AbortController()
  const isClosing = (): boolean => closing.signal.aborted
  const inListener = new AsyncLocalStorage<true>()
  let { cursor } = begun
  let sequence: IdSequence | undefined = begun.sequence
  let failures = 0
  const reported = new Set<string>()

  const tell = guarded('onError', onError)
  const report = (error: unknown): void => {
    const text = error instanceof Error ? error.message : String(error)
    if (reported.has(text)) return
    reported.add(text)
    tell(error)
  }

  const deliver = async (message: ChatMessage): Promise<void> => {
    const after = delivered(cursor, message.id)
    const delivery = {
      get cursor() {
        return formatLiveCursor(after)
      },
    }
    try {
      await inListener.run(true, () => listener(message, delivery))
    } catch (error) {
      tell(error, message)
    }
    cursor = after
  }

  /** @returns whether there may be more */
  const readOnce = async (): Promise<boolean> => {
    if (sequence === undefined) {
      const anew = await reader.begin(closing.signal)
      sequence = anew.sequence
      if (!isReached(anew, cursor)) goOnFrom(anew)
    }
    const { direction } = sequence
    const before = cursor
    const page = await reader.read(sequence, before, closing.signal)
    if (page.hasGoneBack) {
      sequence = undefined
      return true
    }
    failures = 0
    if (isFull(before)) report(heldUp())
    else reported.clear()
    cursor = extended(
      before,
      page.messages.map(({ id }) => id),
      page.open,
      direction,
    )
    for (const message of page.messages) {
      if (isClosing()) return false
      await deliver(message)
    }
    if (!page.hasMore) cursor = settled(cursor, before, direction)
    return page.hasMore
  }
  const goOnFrom = (place: Beginning): void => {
    report(wentBack(cursor.last, place.position))
    cursor = place.cursor
  }

  const run = async (): Promise<void> => {
    while (!isClosing()) {
      try {
        if (!(await readOnce())) await waking.due()
      } catch (error) {
        if (isClosing()) return
        failures += 1
        // What was known of it may have changed, with the server or with the error's reason.
        sequence = undefined
        report(isRetryable(error) ? new StoreUnavailable(failureReason(error), error) : explainRefusedCall(error))
        await delay(backoffMs(failures), undefined, { signal: closing.signal }).catch(() => undefined)
      }
    }
  }

  const stop = (): void => {
    closing.abort()
    waking.end()
  }
  const stopListening = signal && onAbort(signal, stop)
  const running = run().finally(() => {
    stopListening?.()
    onEnd()
  })
  const subscription = asyncClosable<NotYetClosable<MessageSubscription>>({
    get cursor() {
      return formatLiveCursor(cursor)
    },
    close: async () => {
      stop()
      // There, it would wait for itself.
      if (inListener.getStore() !== true) await running
    },
  })
  return { subscription, waking, report }
}

const heldUp = (): StoreUnavailable =>
  new StoreUnavailable(
    'a transaction that writes messages has been open for so long that new messages wait for its end (pg_stat_activity shows it)',
    undefined,
  )

const wentBack = (from: number, to: number): OperatorError =>
  new OperatorError(
    'ids_went_back',
    `the sequence of the ids went back from ${from} to ${to}: messages of that moment may not have been announced`,
    {
      exitCode: ExitCode.no,
      hint: 'read the newest messages with getRecentChats and getChatHistory; the subscription goes on from here',
    },
  )
