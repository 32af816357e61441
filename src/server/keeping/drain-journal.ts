import { setTimeout as delay } from 'node:timers/promises'
import type { ChatLog } from '../../chat-log.js'
import { OperatorError } from '../../errors.js'
import { errorFields } from '../error-fields.js'
import type { Gate } from '../../concurrency/gate.js'
import type { JournalEntry } from '../../journal/journal-line.js'
import type { Journal } from '../../journal/journal.js'
import type { EntryOutcome } from './save-entry.js'

/** Brings what waits in a journal into the database, as soon as that is there. */
export interface JournalDrain {
  /** Begins, unless it is at it already. */
  start(): void
  /** Ends after what is under way; what is left stays in the journal. */
  stop(): Promise<void>
}

export interface JournalDrainParts {
  readonly journal: Journal
  /** Shut for the last part, so that draining ends however fast messages come. */
  readonly gate: Gate
  readonly save: (entry: JournalEntry) => Promise<EntryOutcome>
  /** The database takes messages again. */
  readonly onBack: () => void
  /** It does not. */
  readonly onAway: (code: string) => void
  /** Nothing waits any more. */
  readonly onEmpty: () => void
  readonly log: ChatLog
}

/** How many entries find out whether the database is back, and how often. */
const PROBE_ENTRIES = 8
const PROBE_PAUSE_MS = 500

/** Entries that are saved at a time, conversations side by side. */
const CHUNK_ENTRIES = 1_000

/** When no more than this many wait, senders are held up until these are done; well below a second. */
const LAST_ENTRIES = 2_000

/** After an error that is not the database's, such as a journal that cannot be read. */
const LONG_PAUSE_MS = 5_000

export const createJournalDrain = (parts: JournalDrainParts): JournalDrain => {
  const { journal, gate, save, onBack, onAway, onEmpty, log } = parts
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let lastReason: string | undefined
  let backSince: number | undefined

  const hasWaiting = (): boolean => journal.waiting > 0
  const pause = (ms: number): Promise<unknown> =>
    delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined)

  const run = async (): Promise<void> => {
    const counts = { stored: 0, duplicate: 0, rejected: 0 }
    let position = journal.firstEntry
    let isBack = false
    while (!stopping.signal.aborted) {
      try {
        if (isBack && journal.waiting <= LAST_ENTRIES) gate.shut()
        if (gate.isShut) await journal.idle()
        const { entries, end } = await journal.read(position, isBack ? CHUNK_ENTRIES : PROBE_ENTRIES)
        if (entries.length > 0) {
          isBack = await saveAll(entries, counts)
          position = end
        } else if (!gate.isShut) gate.shut()
        // One that had passed the gate before it was shut may still be on its way to the disk.
        else if (!hasWaiting()) {
          if (position.offset > journal.firstEntry.offset) await journal.clear().catch(noteReason)
          position = journal.firstEntry
          if (hasWaiting()) continue
          finish()
          tellDrained(log, counts, performance.now() - (backSince ?? performance.now()))
          backSince = undefined
          return
        }
      } catch (error) {
        noteReason(error)
        gate.open()
        isBack = false
        await pause(LONG_PAUSE_MS)
      }
    }
  }

  // Also when the file could not be cleared: all of it is in the database, and whoever reads it again finds duplicates.
  const finish = (): void => {
    running = undefined
    lastReason = undefined
    onEmpty()
    gate.open()
  }

  /** @returns whether all went at once */
  const saveAll = async (entries: readonly JournalEntry[], counts: Record<string, number>): Promise<boolean> => {
    let left = entries
    let attempts = 0
    while (left.length > 0 && !stopping.signal.aborted) {
      attempts += 1
      const lanes = await Promise.all(byConversation(left).map((lane) => saveLane(lane, counts)))
      left = lanes.flat()
      if (left.length === 0) break
      gate.open()
      await pause(PROBE_PAUSE_MS)
    }
    if (left.length === 0 && attempts > 0) onBack()
    return attempts === 1
  }

  /** @returns what has to be tried again: all from the first on that could not be saved */
  const saveLane = async (
    lane: readonly JournalEntry[],
    counts: Record<string, number>,
  ): Promise<readonly JournalEntry[]> => {
    for (const [index, entry] of lane.entries()) {
      const outcome = await save(entry)
      if (outcome.kind === 'later') {
        noteReason(outcome.error)
        backSince = undefined
        onAway(outcome.error instanceof OperatorError ? outcome.error.code : 'database_unavailable')
        return lane.slice(index)
      }
      backSince ??= performance.now()
      counts[outcome.kind] = (counts[outcome.kind] ?? 0) + 1
      if (stopping.signal.aborted) return lane.slice(index + 1)
    }
    return []
  }

  // Said once, not twice a second for hours.
  const noteReason = (error: unknown): void => {
    const fields = errorFields(error)
    const text = JSON.stringify(fields)
    if (text !== lastReason)
      log.warn({ event: 'journal_not_drained', ...fields, journal: journal.path }, 'the journal cannot be drained yet')
    lastReason = text
  }

  return {
    start: () => {
      if (!stopping.signal.aborted) running ??= run()
    },
    stop: async () => {
      stopping.abort()
      gate.open()
      await running
    },
  }
}

/** One conversation's entries are saved one after another, each after the commit of the one before: that is their order. */
const byConversation = (entries: readonly JournalEntry[]): readonly (readonly JournalEntry[])[] => {
  const lanes = new Map<string, JournalEntry[]>()
  for (const entry of entries) {
    const { sessionId } = entry.message
    const lane = lanes.get(sessionId)
    if (lane === undefined) lanes.set(sessionId, [entry])
    else lane.push(entry)
  }
  return [...lanes.values()]
}

const tellDrained = (log: ChatLog, counts: Readonly<Record<string, number>>, durationMs: number): void => {
  const { stored = 0, duplicate = 0, rejected = 0 } = counts
  log.info(
    { event: 'journal_drained', stored, duplicates: duplicate, rejected, durationMs: Math.round(durationMs) },
    'the journal is drained',
  )
}
