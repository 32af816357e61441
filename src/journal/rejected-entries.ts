import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from './journal-file.js'
import type { JournalEntry } from './journal-line.js'

/** Where that goes which the database will never take: nothing of it is lost, and nothing waits behind it. */
export interface Rejected {
  readonly path: string
  /** Resolves when it is safe on the disk. */
  add(entry: JournalEntry, code: string, reason: string): Promise<void>
  addBytes(bytes: Buffer, reason: string): Promise<void>
}

/** One JSON object a line, made at the first one. */
export const createRejected = (path: string): Rejected => {
  const write = async (record: object): Promise<void> => {
    const handle = await open(path, 'a', 0o600)
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
