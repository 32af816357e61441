import { setTimeout as delay } from 'node:timers/promises'
import type { ChatLog } from '../../chat-log.js'
import type { Gate } from '../../concurrency/gate.js'
import { OperatorError } from '../../errors.js'
import type { JournalEntry } from '../../journal/journal-line.js'
import type { Journal } from '../../journal/journal.js'
import { StoreError } from '../../persistence/errors.js'
import { isHeldByOthers } from '../../persistence/locks/held-by-others.js'
import { errorFields } from '../error-fields.js'
import { isRefusedForGood, needsLookUp, type EntryOutcome } from './save-entry.js'
import { isOutcomeUnknown } from './unknown-outcomes.js'

/** Stores the messages of a journal in the database as soon as that is available. */
export interface JournalDrain {
  /** Starts draining, unless it runs already. */
  start(): void
  /** Ends after the saves in progress; the rest stays in the journal. */
  stop(): Promise<void>
}

export interface JournalDrainParts {
  readonly journal: Journal
  /** Shut for the last entries: draining then ends, however fast messages arrive. */
  readonly gate: Gate
  /** The conversation of an entry. @throws why it could not be looked up, or is not known */
  readonly laneOf: (entry: JournalEntry) => Promise<string>
  readonly save: (entry: JournalEntry) => Promise<EntryOutcome>
  /** Proves by a commit that what is visible is durable, too. @throws while standbys that are waited for do not confirm it */
  readonly confirm: () => Promise<void>
  /** The database takes messages. */
  readonly onAvailable: () => void
  /** The database takes no messages; `code` says why. */
  readonly onUnavailable: (code: string) => void
  readonly onEmpty: () => void
  readonly log: ChatLog
}

/** Number of entries that test whether the database is available, and how often. */
const PROBE_ENTRIES = 8
const PROBE_PAUSE_MS = 500

/** Entries that are read at a time; their conversations are saved in parallel. */
const CHUNK_ENTRIES = 1_000

/** Most entries, and characters, of conversations that wait behind a message that the database refuses while it takes others. */
const MOST_HELD = { entries: 2_000, characters: 16 * 1_048_576 }

/** Large messages may be more characters: with one of them alone, nothing could be told from the others. */
const LEAST_HELD = 16

/** At or below this number senders wait until the rest is stored, which takes well under a second. */
const LAST_ENTRIES = 2_000

/** For what another transaction holds up, senders wait no longer than this: they go on into the journal. */
const LONGEST_SHUT_MS = 500

/** After an error that is not the database's, such as an unreadable journal. */
const LONG_PAUSE_MS = 5_000

export const createJournalDrain = (parts: JournalDrainParts): JournalDrain => {
  const { journal, gate, laneOf, save, confirm, onAvailable, onUnavailable, onEmpty, log } = parts
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let lastReason: string | undefined
  let drainingSince: number | undefined

  const hasWaiting = (): boolean => journal.waiting > 0
  const pause = (ms: number): Promise<unknown> =>
    delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined)

  const run = async (): Promise<void> => {
    const counts = { stored: 0, duplicate: 0, rejected: 0 }
    let position = journal.firstEntry
    let last: Round = { left: [], answer: 'unavailable' }
    while (!stopping.signal.aborted) {
      try {
        if (last.answer === 'stored' && journal.waiting <= LAST_ENTRIES) gate.shut()
        if (gate.isShut) await journal.idle()
        const most = mostToRead(last)
        const { entries, end } = most > 0 ? await journal.read(position, most) : { entries: [], end: position }
        if (last.left.length + entries.length > 0) {
          position = end
          last = await saveRound([...last.left, ...entries], counts)
          if (last.left.length > 0) await pause(PROBE_PAUSE_MS)
        } else if (!gate.isShut) gate.shut()
        // A message that passed the gate before it was shut may still be on its way to the disk.
        else if (!hasWaiting()) {
          if (position.offset > journal.firstEntry.offset) {
            await confirm()
            await journal.clear().catch(logReason)
          }
          position = journal.firstEntry
          if (hasWaiting()) continue
          endRun()
          logDrained(log, counts, performance.now() - (drainingSince ?? performance.now()))
          drainingSince = undefined
          return
        }
      } catch (error) {
        logReason(error)
        gate.open()
        last = { ...last, answer: 'unavailable' }
        await pause(LONG_PAUSE_MS)
      }
    }
  }

  // Also when the file could not be cleared: all of it is in the database, and a second reading finds duplicates.
  const endRun = (): void => {
    running = undefined
    lastReason = undefined
    onEmpty()
    gate.open()
  }

  const saveRound = async (entries: readonly JournalEntry[], counts: Record<string, number>): Promise<Round> => {
    const late = setTimeout(() => gate.open(), LONGEST_SHUT_MS)
    const stuck = new Set<string>()
    const rounds: Round[] = []
    for (const part of partsOf(entries)) {
      const isOver = stopping.signal.aborted || rounds.some(({ answer }) => answer === 'unavailable')
      if (isOver) rounds.push({ left: part, answer: 'held' })
      else rounds.push(...(await savePart(part, stuck, counts)))
    }
    clearTimeout(late)
    const left = rounds.flatMap((round) => round.left).sort((one, other) => one.seq - other.seq)
    const answer = answerOf(rounds)
    if (left.length > 0) gate.open()
    if (answer === 'stored' || answer === 'held') onAvailable()
    return { left, answer }
  }

  /** @param stuck conversations with a message that was left before; what belongs to them waits, too */
  const savePart = async (
    entries: readonly JournalEntry[],
    stuck: Set<string>,
    counts: Record<string, number>,
  ): Promise<readonly Round[]> => {
    const looked = await Promise.all(entries.map((entry) => lookUp(entry, stuck)))
    // Such an entry may belong to any conversation, and the database can be back for those behind it: they wait, too.
    const missed = looked.filter(isUnknown).find(({ error }) => isUnavailable(error))
    const before = missed === undefined ? looked : looked.slice(0, looked.indexOf(missed))
    const saveUnlessStuck = async ([name, lane]: Lane): Promise<Round> => {
      const round: Round = stuck.has(name) ? { left: lane, answer: 'held' } : await saveLane(lane, counts)
      if (round.left.length > 0) stuck.add(name)
      return round
    }
    const rounds = await Promise.all(byConversation(before).map(saveUnlessStuck))
    for (const { entry, error } of before.filter(isUnknown)) rounds.push(notSaved([entry], error, 'refused'))
    if (missed !== undefined) rounds.push(notSaved(entries.slice(before.length), missed.error, 'unavailable'))
    return rounds
  }

  const lookUp = async (entry: JournalEntry, stuck: Set<string>): Promise<LookedUp> => {
    try {
      return { entry, lane: await laneOf(entry) }
    } catch (error) {
      if (!isRefusedForGood(error)) return { entry, error }
      const address = entry.message.sessionId
      // A message that was left can be the first one of whom the address means.
      if (stuck.size > 0) stuck.add(address)
      return { entry, lane: address }
    }
  }

  const saveLane = async (lane: readonly JournalEntry[], counts: Record<string, number>): Promise<Round> => {
    for (const [index, entry] of lane.entries()) {
      const outcome = await save(entry)
      if (outcome.kind === 'later') {
        const { error } = outcome
        // What an earlier attempt left in the server can hold the key itself.
        if (isHeldByOthers(error) && !entry.attempted) {
          logReason(error)
          return { left: lane.slice(index), answer: 'held' }
        }
        const left = [{ ...entry, attempted: entry.attempted || isOutcomeUnknown(error) }, ...lane.slice(index + 1)]
        return notSaved(left, error, isRefusal(error) ? 'refused' : 'unavailable')
      }
      drainingSince ??= performance.now()
      counts[outcome.kind] = (counts[outcome.kind] ?? 0) + 1
      if (stopping.signal.aborted) return { left: lane.slice(index + 1), answer: 'stored' }
    }
    return { left: [], answer: 'stored' }
  }

  const notSaved = (left: readonly JournalEntry[], error: unknown, answer: 'refused' | 'unavailable'): Round => {
    logReason(error)
    drainingSince = undefined
    onUnavailable(error instanceof OperatorError ? error.code : 'database_unavailable')
    return { left, answer }
  }

  // Each reason once, rather than twice a second for hours. What a stop ends is no reason.
  const logReason = (error: unknown): void => {
    if (stopping.signal.aborted) return
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

/** What an attempt to save some entries left, and how the database answered. */
interface Round {
  /** The entries to try again: in each conversation the first that could not be saved, and those after it. */
  readonly left: readonly JournalEntry[]
  readonly answer: Answer
}

/**
 * `partly`: it stored others, and refused what is left; `refused`: it refused the first message of every conversation; `held`:
 * another transaction holds what the messages that are left need, and nothing else is wrong.
 */
type Answer = 'stored' | 'partly' | 'refused' | 'held' | 'unavailable'

const answerOf = (lanes: readonly Round[]): Answer => {
  const answers = new Set(lanes.map(({ answer }) => answer))
  if (answers.has('unavailable')) return 'unavailable'
  if (!answers.has('refused')) return answers.has('held') ? 'held' : 'stored'
  return answers.has('stored') ? 'partly' : 'refused'
}

// What the database refuses is tried again beside new entries: it is to blame, and rejected, only if those are stored.
const mostToRead = ({ left, answer }: Round): number => {
  if (answer === 'unavailable') return left.length > 0 ? 0 : PROBE_ENTRIES
  const characters = left.reduce((sum, { message: { text, imageUrl } }) => sum + (text ?? imageUrl ?? '').length, 0)
  const isLarge = left.length >= LEAST_HELD && characters >= MOST_HELD.characters
  if (left.length >= MOST_HELD.entries || isLarge) return 0
  return answer === 'refused' ? PROBE_ENTRIES : CHUNK_ENTRIES
}

/** Whether the database answered, and refused the message: another may be taken. */
const isRefusal = (error: unknown): boolean =>
  error instanceof StoreError && error.blames === 'database' && !error.retryable

/** Whether the database could not be asked at all, rather than refused to look up this one address. */
const isUnavailable = (error: unknown): boolean =>
  error instanceof OperatorError && (error.retryable || (error instanceof StoreError && error.blames === 'schema'))

/** Splits the entries so that those before one whose conversation has to be looked up are stored by then. */
const partsOf = (entries: readonly JournalEntry[]): readonly (readonly JournalEntry[])[] => {
  const starts = entries.flatMap((entry, index) => {
    const before = entries[index - 1]
    return before === undefined || (needsLookUp(entry) && !needsLookUp(before)) ? [index] : []
  })
  return starts.map((start, index) => entries.slice(start, starts[index + 1]))
}

/** Splits the entries by conversation. Each is saved after the commit of the one before, which keeps their order. */
const byConversation = (looked: readonly LookedUp[]): readonly Lane[] => {
  const lanes = new Map<string, JournalEntry[]>()
  for (const one of looked) {
    if (isUnknown(one)) continue
    const lane = lanes.get(one.lane)
    if (lane === undefined) lanes.set(one.lane, [one.entry])
    else lane.push(one.entry)
  }
  return [...lanes]
}

/** A conversation, or the address of one that cannot be told, and its messages. */
type Lane = readonly [name: string, entries: readonly JournalEntry[]]

type LookedUp = { readonly entry: JournalEntry; readonly lane: string } | Unknown

/** An entry whose conversation could not be looked up, and why. */
interface Unknown {
  readonly entry: JournalEntry
  readonly error: unknown
}

const isUnknown = (one: LookedUp): one is Unknown => 'error' in one

const logDrained = (log: ChatLog, counts: Readonly<Record<string, number>>, durationMs: number): void => {
  const { stored = 0, duplicate = 0, rejected = 0 } = counts
  log.info(
    { event: 'journal_drained', stored, duplicates: duplicate, rejected, durationMs: Math.round(durationMs) },
    'the journal is drained',
  )
}
