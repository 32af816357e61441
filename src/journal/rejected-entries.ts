import { dirname } from 'node:path'
import { openPrivateFile } from '../private-file.js'
import { syncFolder } from './journal-file.js'
import type { JournalEntry } from './journal-line.js'

/** A file of entries that the database refused for good: they are not lost, and nothing waits behind them. */
export interface Rejected {
  readonly path: string
  /** Resolves when the entry is on the disk. */
  add(entry: JournalEntry, code: string, reason: string): Promise<void>
  addBytes(bytes: Buffer, reason: string): Promise<void>
}

/** Writes one JSON object a line; the file is created with the first. */
export const createRejected = (path: string): Rejected => {
  const write = async (record: object): Promise<void> => {
    const handle = await openPrivateFile(path, 'append')
    try {
      await handle.appendFile(`${JSON.stringify({ type: 'rejected', at: new Date(), ...record })}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await syncFolder(dirname(path))
  }
  return {
    path,
    add: (entry, code, reason) => write({ code, reason, entry }),
    addBytes: (bytes, reason) => write({ code: 'journal_damaged', reason, base64: bytes.toString('base64') }),
  }
}
