import { performance } from 'node:perf_hooks'
import { withClient, type Queryable } from '../database/connection.js'
import type { ConnectionTarget } from '../database/connection-target.js'
import { refuseHidingPolicies } from '../persistence/access/hidden-rows.js'
import { compareAnywhere } from '../database/proxies/standby-reads.js'
import { withSavepoints } from '../database/encoding/savepoints.js'
import { inReadOnlySnapshot } from '../database/transaction.js'
import { checkTranscript } from './check-transcript.js'
import { emptyTranscript } from '../transcripts/transcript-errors.js'
import { expectSocketRow, expectStoreRow } from './checking/expected-rows.js'
import { withOperatorDirectory } from './checking/operator-directory.js'
import { createReadBack } from './checking/read-back.js'
import { readTranscript } from '../transcripts/read-transcript.js'
import { judgeReplay, type ReplayReport } from './replay.js'
import { createTally, type Tally } from './sending/tally.js'
import type { TranscriptInput } from '../transcripts/transcript-input.js'
import type { OnProgress } from './progress-line.js'

export interface CheckOnlyOptions {
  readonly target: ConnectionTarget
  /** The way that the messages came: the two leave different keys. */
  readonly through: 'store' | 'socket'
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

/** Read as the application does. */
const PINS = 'text'

const LIMITS = { statementTimeoutMs: 60_000, lockTimeoutMs: 1_000 }

/**
 * Compares a transcript with a database as if every message had been acknowledged. Writes nothing: the session is
 * read-only. Other rows of the same conversations are not findings.
 * @throws OperatorError `empty_transcript`, and errors of the database
 */
export const checkOnly = (input: TranscriptInput, options: CheckOnlyOptions): Promise<ReplayReport> =>
  withOperatorDirectory(options.target, async (operators) => {
    const { target, signal } = options
    const startedAt = performance.now()
    const tally = await expectAll(input, signal)
    const { unanswered: _none, ...counts } = tally.counts()
    if (counts.attempted === 0 && input.leftOut === undefined) throw emptyTranscript(input.name)
    const expectedRow = options.through === 'socket' ? expectSocketRow(operators) : expectStoreRow(operators)
    const session = {
      applicationName: 'chatkeep replay --check-only',
      signal,
      queryTimeoutMs: LIMITS.statementTimeoutMs,
      pins: PINS,
    } as const
    const { result: check, standby } = await withClient(target, session, (client) =>
      inReadOnlySnapshot(
        client,
        LIMITS,
        async () => {
          const schema = target.schema ?? 'public'
          await refuseHidingPolicies(client, schema)
          const onProgress = (messages: number): void =>
            options.onProgress('reading back', messages, (1_000 * messages) / (performance.now() - startedAt))
          const compare = async (reading: Queryable) => {
            const readBack = createReadBack(reading, schema)
            return checkTranscript(input, tally, { expectedRow }, readBack, {
              earlier: await readBack.earlierIds(),
              doublesAmong: 'all',
              signal,
              onProgress,
            })
          }
          return compareAnywhere(withSavepoints(client), compare, (found) => judgeReplay(found, 0).verdict === 'passed')
        },
        PINS,
      ),
    )
    const judgement = judgeReplay(check, counts.rejected.count)
    return {
      ...counts,
      ...check,
      duplicates: 0,
      found: check.outcomes.ok - check.lost.count - check.deleted,
      ...judgement,
      standby,
      sendMs: 0,
      readBackMs: performance.now() - startedAt,
      messagesPerSecond: 0,
    }
  })

const expectAll = async (input: TranscriptInput, signal: AbortSignal): Promise<Tally> => {
  const tally = createTally()
  for await (const entry of readTranscript(input.read(), { leftOut: input.leftOut })) {
    signal.throwIfAborted()
    if (entry.message === undefined) tally.reject(entry.line, entry.reasons)
    else {
      tally.begin(entry.line)
      tally.settle(entry.line, { kind: 'duplicate' })
    }
  }
  return tally
}
