import { createFingerprintSet, type FingerprintSet } from '../../collections/fingerprint-set.js'
import type { AccountedRows } from './accounted-rows.js'
import type { ChangeCounts } from './changes.js'
import type { EarlierIds } from './earlier-ids.js'
import { createFindings, type Findings } from './findings.js'
import { inBatches, type Stream } from './in-batches.js'
import {
  judge,
  type AlteredRow,
  type DoubledMessage,
  type ExpectedMessage,
  type Outcome,
  type UnexpectedRow,
} from './judge.js'
import { createOrderCheck, type OutOfOrder } from './judge-order.js'
import type { DoubledClient, ReadBack } from './read-back.js'
import type { SentOperation } from './sent-operation.js'

/** What looking up the messages of a run found. */
export interface SentCheck extends ChangeCounts {
  /** How many messages were acknowledged, refused for good, and of unknown outcome. */
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** How many messages of unknown outcome are stored. */
  readonly recovered: number
  /** Lines of messages that were acknowledged and are not in the database. */
  readonly lost: Findings<number>
  readonly doubled: Findings<DoubledMessage>
  readonly altered: Findings<AlteredRow>
  readonly unexpected: Findings<UnexpectedRow>
  readonly outOfOrder: Findings<OutOfOrder>
  /** Names that more than one client has. */
  readonly doubledClients: Findings<DoubledClient>
  /** Messages that are stored without a client. */
  readonly withoutClient: number
}

export interface CheckedMessages {
  readonly check: SentCheck
  /** How many rows were found. */
  readonly rows: number
  /** Whether a message of the run is in this conversation; wrong once in 10^9 conversations. */
  readonly isOurConversation: (sessionId: string) => boolean
}

export interface SentOptions {
  readonly operations: Stream<SentOperation>
  readonly readBack: ReadBack
  readonly earlier: EarlierIds
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((messages: number) => void) | undefined
}

/** Looks up each message by its key. @param accounted filled with the rows that were found */
export const checkSent = async (options: SentOptions, accounted: AccountedRows): Promise<CheckedMessages> => {
  const { operations, readBack, earlier, signal, onProgress } = options
  const lost = createFindings<number>()
  const doubled = createFindings<DoubledMessage>()
  const altered = createFindings<AlteredRow>()
  const unexpected = createFindings<UnexpectedRow>()
  const outOfOrder = createFindings<OutOfOrder>()
  const doubledClients = createFindings<DoubledClient>()
  const conversations = createFingerprintSet()
  const usernames = createFingerprintSet()
  const order = createOrderCheck(earlier)
  const outcomes = { ok: 0, fail: 0, info: 0 }
  let [messages, rows, recovered, withoutClient, edited, deleted] = [0, 0, 0, 0, 0, 0]

  for await (const batch of inBatches(operations, sizeOf)) {
    signal?.throwIfAborted()
    const expected = batch.map(toExpected)
    const keys = expected.map(({ idempotencyKey }) => idempotencyKey)
    const stored = await readBack.rowsByKey(keys)
    const verdict = judge(expected, stored, earlier, await readBack.changesOf(keys))
    lost.add(...verdict.lost)
    doubled.add(...verdict.doubled)
    altered.add(...verdict.altered)
    unexpected.add(...verdict.unexpected)
    outOfOrder.add(...verdict.matched.flatMap((one, index) => order.look(senderOf(batch[index], one.message), one)))
    recovered += verdict.recovered
    withoutClient += verdict.withoutClient
    edited += verdict.edited
    deleted += verdict.deleted
    for (const { outcome, sessionId } of expected) {
      outcomes[outcome] += 1
      conversations.add(sessionId)
    }
    for (const { id } of stored) accounted.add(id)
    doubledClients.add(...(await readBack.doubledClients(takeNew(usernames, expected))))
    messages += batch.length
    rows += stored.length
    onProgress?.(messages)
  }
  return {
    check: {
      ...{ outcomes, recovered, withoutClient, edited, deleted },
      lost: lost.result(),
      doubled: doubled.result(),
      altered: altered.result(),
      unexpected: unexpected.result(),
      outOfOrder: outOfOrder.result(),
      doubledClients: doubledClients.result(),
    },
    rows,
    isOurConversation: (sessionId) => conversations.has(sessionId),
  }
}

const sizeOf = ({ content }: SentOperation): number => (content.text?.length ?? 0) + (content.imageUrl?.length ?? 0)

const toExpected = ({ line, outcome, acknowledgedId, content }: SentOperation): ExpectedMessage => ({
  ...content,
  line,
  outcome,
  acknowledgedId,
})

const senderOf = (operation: SentOperation | undefined, { senderType, sessionId }: ExpectedMessage): string =>
  operation?.sender ?? `${senderType} ${sessionId}`

/** The names that have not been looked up yet. */
const takeNew = (known: FingerprintSet, messages: readonly ExpectedMessage[]): readonly string[] => {
  const names = new Set(messages.flatMap(({ guestUsername }) => guestUsername ?? []))
  const fresh = [...names].filter((name) => !known.has(name))
  for (const name of fresh) known.add(name)
  return fresh
}
