import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import type { ChatShape } from './chat-data.js'
import type { BenchDatabase } from './server.js'

export const WRITTEN_PER_SECOND = 1_000
const PAUSE_MS = 5

const INSERT_MESSAGES = {
  name: 'write',
  text: `
    INSERT INTO "ChatMessage" ("createdAt", "clientId", "senderType", "messageType", "text")
    SELECT clock_timestamp() AT TIME ZONE 'UTC', 1 + floor(random() * $2::integer)::integer, 'CLIENT', 'TEXT',
      'a message of a usual length for a chat'
    FROM generate_series(1, $1::integer)`,
}

/**
 * Does the work while another connection writes messages of any clients, as many a second as `WRITTEN_PER_SECOND` where the
 * machine is fast enough.
 * @param work gets a function that says how many were written a second so far
 */
export const whileWriting = async <T>(
  { url }: BenchDatabase,
  shape: ChatShape,
  work: (rate: () => number) => Promise<T>,
): Promise<T> => {
  const writer = new pg.Client({ connectionString: url })
  await writer.connect()
  const end = new AbortController()
  const startedAt = performance.now()
  const seconds = (): number => (performance.now() - startedAt) / 1_000
  let written = 0
  const write = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const due = Math.floor(seconds() * WRITTEN_PER_SECOND) - written
      if (due > 0) await writer.query({ ...INSERT_MESSAGES, values: [due, shape.clients] })
      written += Math.max(due, 0)
      await setTimeout(PAUSE_MS)
    }
  }
  try {
    const [done, wrote] = await Promise.allSettled([
      work(() => Math.round(written / seconds())).finally(() => end.abort()),
      write(),
    ])
    if (wrote.status === 'rejected') throw wrote.reason
    if (done.status === 'rejected') throw done.reason
    return done.value
  } finally {
    await writer.end()
  }
}
