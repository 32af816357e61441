import type { ChatLog } from '../chat-log.js'
import { openPrivateFile, removeDrafts } from '../private-file.js'
import { createJournalFile } from './journal-file.js'
import { createJournal, type Journal } from './journal.js'
import type { JournalEntry } from './journal-line.js'
import { lockJournal } from './journal-lock.js'
import { openAcknowledged } from './open-acknowledged.js'
import { loadEntries, openJournalFile, type FoundJournalFile, type TornLine } from './open-journal-file.js'
import { createRejected } from './rejected-entries.js'

export interface JournalOptions {
  readonly path: string
  /** Largest size of the file; 256 MiB when absent. */
  readonly maxBytes?: number | undefined
  /** Keeps what was acknowledged as stored that long, in `FILE.acknowledged`; not at all when absent. */
  readonly keepAcknowledgedMs?: number | undefined
}

const DEFAULT_JOURNAL_BYTES = 256 * 1_048_576

/**
 * Opens a journal, creates it if it does not exist, takes its lock, and truncates an incomplete last write.
 * @throws OperatorError `journal_in_use`, `journal_damaged`, `not_a_journal`, `journal_version_unknown`, `file_not_private`
 */
export const openJournal = async (options: JournalOptions, log: ChatLog): Promise<Journal> => {
  return openJournalFile(options.path, async (found) => {
    await refuseForeignRejected(`${found.path}.rejected`)
    const lock = await lockJournal(found.id, found.path)
    try {
      await removeDrafts(`${found.path}.rejected`)
      return await load(found, options, () => lock.release(), log)
    } catch (error) {
      await lock.release()
      throw error
    }
  })
}

// It is written when a message is refused, which is too late to complain.
const refuseForeignRejected = async (path: string): Promise<void> => {
  const handle = await openPrivateFile(path, 'update').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  })
  await handle?.close()
}

const load = async (
  found: FoundJournalFile,
  { maxBytes = DEFAULT_JOURNAL_BYTES, keepAcknowledgedMs: keepMs }: JournalOptions,
  release: () => Promise<void>,
  log: ChatLog,
): Promise<Journal> => {
  const { path, headerBytes } = found
  const rejected = createRejected(`${path}.rejected`)
  const waiting: JournalEntry['message'][] = []
  const { end, nextSeq } = await loadEntries(
    found,
    ({ message }) => waiting.push(message),
    async (torn) => {
      // A line with a line feed may have been complete once; without one it was never acknowledged.
      if (torn.terminated) await rejected.addBytes(torn.bytes, `line ${torn.line} of the journal has a wrong checksum`)
      logTorn(log, path, torn)
    },
  )
  const file = createJournalFile({ ...found, maxBytes, end, nextSeq })
  const roomBytes = (): number => maxBytes - file.end
  const acknowledged = await openAcknowledged({ path: `${path}.acknowledged`, keepMs, maxBytes, roomBytes }, log)
  const firstEntry = { offset: headerBytes, line: 2 }
  return createJournal({ path, file, firstEntry, waiting, rejected, acknowledged, release })
}

const logTorn = (log: ChatLog, path: string, { line, bytes, terminated }: TornLine): void =>
  log.warn(
    { event: 'journal_torn', journal: path, line, bytes: bytes.length },
    'the last line of the journal was incomplete and was removed; ' +
      (terminated ? `it is kept in ${path}.rejected` : 'its message was never acknowledged'),
  )
