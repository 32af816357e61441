import type { ChatLog } from '../chat-log.js'
import { OperatorError } from '../errors.js'
import { createRareLog } from '../rare-log.js'
import type { JournalFile } from './journal-file.js'
import { entryLine, type JournalEntry } from './journal-line.js'
import type { Marks } from './marks.js'

/** Messages that were acknowledged as stored, kept for a time: a failover to a standby that lags behind loses the newest. */
export interface Acknowledged {
  /** Keeps a message. Resolves when it is on the disk or cannot be kept, which is logged: it is stored in any case. */
  add(entry: Omit<JournalEntry, 'seq'>): Promise<void>
  /** Drops the oldest if the file has become too large, because the journal needs the room. */
  fit(): void
  /** Drops all, for the sake of messages that are not stored. @returns whether there were any */
  giveWay(): Promise<boolean>
  close(): Promise<void>
}

export interface AcknowledgedParts {
  readonly path: string
  readonly file: JournalFile
  readonly headerBytes: number
  readonly keepMs: number
  /** How many bytes the file may have now: what the journal leaves. */
  readonly roomBytes: () => number
  readonly marks: Marks
  readonly log: ChatLog
}

const LONGEST_LOOK_MS = 60_000

export const createAcknowledged = (parts: AcknowledgedParts): Acknowledged => {
  const { path, file, headerBytes, keepMs, roomBytes, marks, log } = parts
  let dropping: Promise<void> | undefined
  let failure: string | undefined

  const end = (): number => file.removedBytes + file.end
  const failed = (error: unknown): void => {
    const code = error instanceof OperatorError ? error.code : 'unknown'
    if (code !== failure)
      log.error(
        { event: 'acknowledged_not_kept', code, file: path },
        'acknowledged messages are not kept at the moment',
      )
    failure = code
  }

  const warnRarely = createRareLog(log)
  const start = (): number => file.removedBytes + headerBytes

  /** Logs when messages were dropped before their time. */
  const drop = async (dropFirst: () => Promise<void>): Promise<void> => {
    const droppable = Math.max(start(), marks.positionBy(Date.now() - keepMs) ?? 0)
    await dropFirst()
    marks.forgetBefore(start())
    if (start() <= droppable) return
    const now = Date.now()
    const oldestKeptSeconds = Math.floor((now - (marks.oldestAt() ?? now)) / 1_000)
    warnRarely(
      { event: 'acknowledged_dropped_early', oldestKeptSeconds, wantedSeconds: keepMs / 1_000, file: path },
      `acknowledged messages were dropped before their time for lack of room: the oldest that is kept is ${oldestKeptSeconds} s old`,
    )
  }

  const dropBefore = (position: number): Promise<void> => {
    dropping ??= drop(() => file.dropBefore(position))
      .catch(failed)
      .finally(() => (dropping = undefined))
    return dropping
  }

  // Half of the room, so that it is long until the next time.
  const makeRoom = async (sizeBytes: number): Promise<void> => {
    if (file.end + sizeBytes > roomBytes()) await dropBefore(marks.positionOfLast(roomBytes() / 2, end()))
  }

  const expire = async (): Promise<void> => {
    const position = marks.positionBy(Date.now() - keepMs)
    if (position !== undefined) await dropBefore(position)
  }
  const timer = setInterval(() => void expire(), Math.min(keepMs / 10, LONGEST_LOOK_MS))
  timer.unref()

  return {
    add: async (entry) => {
      const acknowledgedAt = new Date()
      const makeLine = (seq: number): Buffer => entryLine({ ...entry, acknowledgedAt, seq })
      const sizeBytes = makeLine(Number.MAX_SAFE_INTEGER).length
      try {
        await makeRoom(sizeBytes)
        await file.append(sizeBytes, makeLine)
        marks.add(acknowledgedAt.getTime(), end())
        if (failure !== undefined)
          log.info({ event: 'acknowledged_kept_again', file: path }, 'acknowledged messages are kept again')
        failure = undefined
      } catch (error) {
        failed(error)
      }
    },
    fit: () => void makeRoom(0),
    giveWay: async () => {
      if (file.end <= headerBytes) return false
      await drop(() => file.clear())
      return true
    },
    close: async () => {
      clearInterval(timer)
      await dropping
      await file.close()
    },
  }
}
