import type { ProgressUpdate } from '../terminal/progress.js'
import { count } from '../terminal/render.js'

/** How far a deletion has come. */
export const deleting = (deleted: number, messages: number): ProgressUpdate => {
  const event = { type: 'deleting', deleted, messages }
  // A client may have no message.
  const text =
    messages === 0 ? 'deleting' : `deleting: ${deleted.toLocaleString('en-US')} of ${count(messages, 'message')}`
  return { event, text, kind: 'status', key: 'deleting' }
}
