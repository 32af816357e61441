import { withClient, type Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { refuseMissingSchema } from '../database/missing-schema.js'
import { fromPrimary } from '../database/proxies/standby-reads.js'
import { refuseHidingPolicies } from '../persistence/access/hidden-rows.js'
import { namesIn } from '../persistence/sql-names.js'
import { readTranscript } from '../transcripts/read-transcript.js'
import type { TranscriptInput } from '../transcripts/transcript-input.js'

const QUERY_TIMEOUT_MS = 60_000
const MESSAGES_A_QUERY = 1_000

/** A message of an export, and the row that it was. */
interface Exported {
  readonly line: number
  readonly id: number
  readonly at: string
}

/**
 * Leaves the messages of an export out whose rows are still in the database: they may have no key, and their owner is named
 * otherwise than in the row, so that nothing else would recognise them. Id and time together tell a row from another that got its id.
 */
export const leaveOutStored = (
  input: TranscriptInput,
  { target, signal }: { readonly target: ConnectionTarget; readonly signal: AbortSignal },
): Promise<TranscriptInput> =>
  withClient(
    target,
    { applicationName: 'chatkeep replay', signal, queryTimeoutMs: QUERY_TIMEOUT_MS, pins: 'text' },
    async (client) => {
      const schema = target.schema ?? 'public'
      await refuseMissingSchema(client, schema)
      await refuseHidingPolicies(client, schema)
      const reading = fromPrimary(client)
      const leftOut = new Set<number>()
      for await (const some of exportedMessages(input)) {
        signal.throwIfAborted()
        for (const line of await readStored(reading, schema, some)) leftOut.add(line)
      }
      return leftOut.size === 0 ? input : { ...input, leftOut }
    },
  )

async function* exportedMessages(input: TranscriptInput): AsyncGenerator<readonly Exported[]> {
  let some: Exported[] = []
  for await (const { line, message, storedId } of readKeyed(input)) {
    if (storedId === undefined) continue
    some.push({ line, id: storedId, at: message.at.toISOString() })
    if (some.length < MESSAGES_A_QUERY) continue
    yield some
    some = []
  }
  if (some.length > 0) yield some
}

async function* readKeyed(input: TranscriptInput) {
  for await (const entry of readTranscript(input.read())) if (entry.message !== undefined) yield entry
}

// The export has whole milliseconds, rounded down. The bounds of the time find the partition.
const readStored = async (client: Queryable, schema: string, some: readonly Exported[]): Promise<readonly number[]> => {
  const { rows } = await client.query<{ line: number }>(
    `SELECT x."line"
     FROM jsonb_to_recordset($1::jsonb) AS x ("line" integer, "id" bigint, "at" timestamptz)
     JOIN ${namesIn(schema).message} AS m ON m."id" = x."id"
       AND m."createdAt" >= x."at" AT TIME ZONE 'UTC' AND m."createdAt" < x."at" AT TIME ZONE 'UTC' + interval '1 ms'`,
    [JSON.stringify(some)],
  )
  return rows.map(({ line }) => line)
}
