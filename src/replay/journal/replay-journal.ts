import { performance } from 'node:perf_hooks'
import { withClient, type Queryable } from '../../database/connection.js'
import type { ConnectionTarget } from '../../database/connection-target.js'
import { interruptedBy } from '../../errors.js'
import type { JournalEntry } from '../../journal/journal-line.js'
import { createStoredOrder } from '../../journal/stored-order.js'
import { readJournal } from '../../journal/read-journal.js'
import { createFindings, type Findings } from '../checking/findings.js'
import { differingColumns, readJournalRows, type JournalRow } from './rows.js'
import { sendJournal, type JournalSending } from './sending.js'
import type { TranscriptInput } from '../../transcripts/transcript-input.js'
import type { OnProgress } from '../progress-line.js'

/** What the journal of a chat server held, and that it is in the database. */
export interface JournalReport extends Pick<
  JournalSending,
  'attempted' | 'saved' | 'duplicates' | 'rejected' | 'tornLine' | 'mayBeAnswered'
> {
  /** Lines whose messages were saved, or were said to be there, and are not. */
  readonly lost: Findings<number>
  readonly doubled: Findings<{ readonly line: number; readonly ids: readonly number[] }>
  readonly altered: Findings<{ readonly line: number; readonly id: number; readonly reason: string }>
  readonly sendMs: number
  readonly readBackMs: number
}

export interface JournalReplayOptions {
  readonly target: ConnectionTarget
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

/**
 * Brings what waits in a journal into the database, under the keys that it has there, and reads it back. The file stays as it is.
 * @throws OperatorError `journal_damaged`, `journal_version_unknown`, `interrupted`, and what the core throws when it cannot go on
 */
export const replayJournal = async (input: TranscriptInput, options: JournalReplayOptions): Promise<JournalReport> => {
  const { target, signal, onProgress } = options
  const startedAt = performance.now()
  const report = (phase: 'sending' | 'reading back', since: number) => (messages: number) =>
    onProgress(phase, messages, (1_000 * messages) / (performance.now() - since))
  const sending = await sendJournal(input, target, signal, report('sending', startedAt))
  throwIfStopped(signal, sending)
  const sentAt = performance.now()
  const check = await withClient(
    target,
    { applicationName: 'chatkeep replay', signal, queryTimeoutMs: QUERY_TIMEOUT_MS },
    (client) => readBack(input, sending, client, target.schema ?? 'public', report('reading back', sentAt)),
  )
  const { attempted, saved, duplicates, rejected, tornLine, mayBeAnswered } = sending
  return {
    ...{ attempted, saved, duplicates, rejected, tornLine, mayBeAnswered },
    ...check,
    sendMs: sentAt - startedAt,
    readBackMs: performance.now() - sentAt,
  }
}

export const isJournalClean = ({ rejected, lost, doubled, altered, mayBeAnswered }: JournalReport): boolean =>
  !mayBeAnswered && [rejected, lost, doubled, altered].every(({ count }) => count === 0)

const QUERY_TIMEOUT_MS = 60_000
const BATCH_MESSAGES = 1_000

const throwIfStopped = (signal: AbortSignal, { attempted, saved, duplicates, rejected }: JournalSending): void => {
  if (!signal.aborted) return
  throw interruptedBy(
    signal,
    () => `stopped: ${attempted} attempted, ${saved} saved, ${duplicates} duplicates, ${rejected.count} rejected`,
    { hint: 'run the same command again: nothing will be doubled', cause: signal.reason },
  )
}

interface Kept {
  readonly line: number
  readonly entry: JournalEntry
}

const readBack = async (
  input: TranscriptInput,
  { savedLines, rejectedLines }: JournalSending,
  client: Queryable,
  schema: string,
  onProgress: (messages: number) => void,
): Promise<Pick<JournalReport, 'lost' | 'doubled' | 'altered'>> => {
  const lost = createFindings<number>()
  const doubled = createFindings<JournalReport['doubled']['first'][number]>()
  const altered = createFindings<JournalReport['altered']['first'][number]>()
  const order = createStoredOrder()
  let messages = 0

  const compare = ({ line, entry }: Kept, rows: readonly JournalRow[]): void => {
    if (rows.length === 0) lost.add(line)
    if (rows.length > 1) doubled.add({ line, ids: rows.map(({ id }) => id) })
    for (const row of rows) {
      const columns = differingColumns(entry.message, row, entry.contactKnown)
      // One that was there already may be an attempt from before it was queued, a moment earlier.
      const isAtTime = !savedLines.has(line) || isBetween(row.createdAt, entry.message, order.raise(entry.message))
      const differing = isAtTime ? columns : [...columns, 'createdAt']
      order.note(entry.message.sessionId, row.createdAt)
      if (differing.length > 0) altered.add({ line, id: row.id, reason: `differs in ${differing.join(', ')}` })
    }
  }
  const check = async (batch: readonly Kept[]): Promise<void> => {
    const rows = await readJournalRows(
      client,
      schema,
      batch.map(({ entry }) => entry.message.idempotencyKey),
    )
    const byKey = new Map<string, JournalRow[]>()
    for (const row of rows) byKey.set(row.idempotencyKey, [...(byKey.get(row.idempotencyKey) ?? []), row])
    for (const kept of batch) compare(kept, byKey.get(kept.entry.message.idempotencyKey) ?? [])
    messages += batch.length
    onProgress(messages)
  }

  let batch: Kept[] = []
  for await (const part of readJournal(input.read(), input.name)) {
    if (part.kind !== 'entry' || rejectedLines.has(part.line)) continue
    batch.push(part)
    if (batch.length < BATCH_MESSAGES) continue
    await check(batch)
    batch = []
  }
  await check(batch)
  return { lost: lost.result(), doubled: doubled.result(), altered: altered.result() }
}

/** Whether a row has the time at which its message came, or a later one that its conversation's order asked for. */
const isBetween = (createdAt: Date, came: JournalEntry['message'], raised: JournalEntry['message']): boolean =>
  +createdAt >= +(came.createdAt ?? 0) && +createdAt <= +(raised.createdAt ?? 0)
