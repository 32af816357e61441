import type { Queryable } from '../../database/connection.js'
import type { JournalEntry } from '../../journal/journal-line.js'
import { createStoredOrder } from '../../journal/stored-order.js'
import type { TranscriptInput } from '../../transcripts/transcript-input.js'
import { createReadChanges, isEditable, type Change, type ChangeCounts } from '../checking/changes.js'
import { createFindings, type Findings } from '../checking/findings.js'
import { readEntries } from './entries.js'
import { differingColumns, readJournalRows, type JournalRow } from './rows.js'
import type { JournalSending } from './sending.js'

/** What reading the messages of a journal back found. */
export interface JournalCheck extends ChangeCounts {
  /** Lines whose messages were reported as stored, and are not in the database, though nobody deleted them. */
  readonly lost: Findings<number>
  readonly doubled: Findings<DoubledLine>
  readonly altered: Findings<AlteredLine>
}

export interface DoubledLine {
  readonly line: number
  readonly ids: readonly number[]
}

export interface AlteredLine {
  readonly line: number
  readonly id: number
  readonly reason: string
}

const BATCH_MESSAGES = 1_000

interface Kept {
  readonly line: number
  readonly entry: JournalEntry
}

/** Looks up every message of a journal that was not rejected. */
export const readBack = async (
  input: TranscriptInput,
  { savedLines, rejectedLines }: JournalSending,
  client: Queryable,
  schema: string,
  onProgress: (messages: number) => void,
): Promise<JournalCheck> => {
  const lost = createFindings<number>()
  const doubled = createFindings<DoubledLine>()
  const altered = createFindings<AlteredLine>()
  const order = createStoredOrder()
  const changesOf = createReadChanges(client, schema)
  let [messages, edited, deleted] = [0, 0, 0]

  const compare = ({ line, entry }: Kept, rows: readonly JournalRow[], change: Change | undefined): void => {
    if (rows.length > 0 && change === 'edited') edited += 1
    if (rows.length === 0 && change === 'deleted') deleted += 1
    else if (rows.length === 0) lost.add(line)
    if (rows.length > 1) doubled.add({ line, ids: rows.map(({ id }) => id) })
    for (const row of rows) {
      const columns = differingColumns(entry.message, row, entry.contactKnown).filter(
        (column) => change !== 'edited' || !isEditable(column),
      )
      // A duplicate may come from an attempt before it was queued, a moment earlier.
      const isAtTime = !savedLines.has(line) || isBetween(row.createdAt, entry.message, order.raise(entry.message))
      const differing = isAtTime ? columns : [...columns, 'createdAt']
      order.note(entry.message.sessionId, row.createdAt)
      if (differing.length > 0) altered.add({ line, id: row.id, reason: `differs in ${differing.join(', ')}` })
    }
  }
  const check = async (batch: readonly Kept[]): Promise<void> => {
    const keys = batch.map(({ entry }) => entry.message.idempotencyKey)
    const rows = await readJournalRows(client, schema, keys)
    const changes = await changesOf(keys)
    const byKey = new Map<string, JournalRow[]>()
    for (const row of rows) byKey.set(row.idempotencyKey, [...(byKey.get(row.idempotencyKey) ?? []), row])
    for (const kept of batch) {
      const { idempotencyKey } = kept.entry.message
      compare(kept, byKey.get(idempotencyKey) ?? [], changes.get(idempotencyKey))
    }
    messages += batch.length
    onProgress(messages)
  }

  let batch: Kept[] = []
  for await (const part of readEntries(input)) {
    if (part.kind !== 'entry' || rejectedLines.has(part.line)) continue
    batch.push(part)
    if (batch.length < BATCH_MESSAGES) continue
    await check(batch)
    batch = []
  }
  await check(batch)
  return { lost: lost.result(), doubled: doubled.result(), altered: altered.result(), edited, deleted }
}

/** Whether a row has the time at which its message arrived, or the later time that keeps its conversation in order. */
const isBetween = (createdAt: Date, came: JournalEntry['message'], raised: JournalEntry['message']): boolean =>
  +createdAt >= +(came.createdAt ?? 0) && +createdAt <= +(raised.createdAt ?? 0)
