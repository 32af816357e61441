import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { checkFailed } from './check-failed.js'
import type { ChatShape } from './chat-data.js'
import type { BenchDatabase } from './server.js'

export const WRITTEN_PER_SECOND = 1_000
const PAUSE_MS = 5
/** Below this share of the rate the figures are those of another case. */
const LEAST_SHARE = 0.9

const INSERT_MESSAGES = {
  name: 'write',
  text: `
    INSERT INTO "ChatMessage" ("createdAt", "clientId", "senderType", "messageType", "text")
    SELECT clock_timestamp() AT TIME ZONE 'UTC', 1 + floor(random() * $2::integer)::integer, 'CLIENT', 'TEXT',
      'a message of a usual length for a chat'
    FROM generate_series(1, $1::integer)`,
}

/**
 * Does the work while another connection writes messages of any clients, as many a second as `WRITTEN_PER_SECOND`.
 * @throws when the writer fell behind
 */
export const whileWriting = async <T>({ url }: BenchDatabase, shape: ChatShape, work: () => Promise<T>): Promise<T> => {
  const writer = new pg.Client({ connectionString: url })
  await writer.connect()
  const end = new AbortController()
  try {
    const [done, written] = await Promise.allSettled([
      work().finally(() => end.abort()),
      writeUntil(end.signal, writer, shape),
    ])
    if (written.status === 'rejected') throw written.reason
    if (done.status === 'rejected') throw done.reason
    if (written.value < LEAST_SHARE * WRITTEN_PER_SECOND)
      throw checkFailed(`${written.value.toFixed(0)} messages a second were written, not ${WRITTEN_PER_SECOND}`)
    return done.value
  } finally {
    await writer.end()
  }
}

/** @returns how many messages it wrote a second */
const writeUntil = async (end: AbortSignal, writer: pg.Client, { clients }: ChatShape): Promise<number> => {
  const startedAt = performance.now()
  const seconds = (): number => (performance.now() - startedAt) / 1_000
  let written = 0
  while (!end.aborted) {
    const due = Math.floor(seconds() * WRITTEN_PER_SECOND) - written
    if (due > 0) await writer.query({ ...INSERT_MESSAGES, values: [due, clients] })
    written += Math.max(due, 0)
    await setTimeout(PAUSE_MS)
  }
  return written / seconds()
}
