import { isHeld, takeLock, type FileLock } from '../file-lock.js'
import { journalInUse } from './journal-errors.js'

/** Held until it is released or its process ends. */
export type JournalLock = FileLock

/**
 * Takes the lock of a journal. Its name contains the journal's id, which only users with read access to the file know. A journal
 * belongs on a local disk.
 * @throws OperatorError `journal_in_use`
 */
export const lockJournal = async (id: string, path: string): Promise<JournalLock> => {
  const lock = await takeLock(`chatkeep-journal-${id}`)
  if (isHeld(lock)) throw journalInUse(path, lock)
  return lock
}
