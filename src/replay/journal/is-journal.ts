import { open, stat } from 'node:fs/promises'
import { looksLikeJournal } from '../../journal/read-journal.js'

/** Enough for the header of a journal. */
const START_BYTES = 128

/** Whether a file is the journal of a chat server. Opens the file itself: a transcript input cannot be read in part. */
export const isJournal = async (path: string): Promise<boolean> => {
  const status = await stat(path).catch(() => undefined)
  if (status?.isFile() !== true) return false
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(START_BYTES), 0, START_BYTES, 0)
    return looksLikeJournal(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}
