import { createBitSet } from '../../collections/bit-set.js'
import type { ExpectedContent } from './expected-content.js'
import { createFindings, type Findings } from './findings.js'
import { createFingerprintSet } from '../../collections/fingerprint-set.js'
import {
  judge,
  type AlteredRow,
  type DoubledMessage,
  type ExpectedMessage,
  type Outcome,
  type UnexpectedRow,
} from './judge.js'
import { findForeignRows, judgeForeignRows, type Accounts, type NewRow } from './judge-new-rows.js'
import { createOrderCheck, type OutOfOrder } from './judge-order.js'
import { judgeShown, type ShownMessage, type ShownNotStored } from './judge-shown.js'
import type { DoubledClient, ReadBack } from './read-back.js'

/** A message that was sent, and how it ended. */
export interface SentOperation {
  /** Names it in findings: its line in a transcript, or its index in the run. */
  readonly line: number
  readonly outcome: Outcome
  readonly content: ExpectedContent
  /** Id that the server acknowledged; absent or null where it told none. */
  readonly acknowledgedId?: number | null | undefined
  /** Whose order is kept: one message under way at a time. When absent, one side of one conversation. */
  readonly sender?: string | undefined
}

type Stream<T> = Iterable<T> | AsyncIterable<T>

export interface CheckOptions {
  /** Each sender's in the order in which they were sent. Read once, and not held. */
  readonly operations: Stream<SentOperation>
  readonly readBack: ReadBack
  /** The largest id before the first message was sent. */
  readonly highWaterMark: number
  /** Rows from this id on are looked through for a second one of a message; the high-water mark when absent. */
  readonly doublesAfter?: number | undefined
  /** What guests and operators were shown; absent where nobody looked. */
  readonly shown?: Stream<ShownMessage> | undefined
  /** Ids that history showed after the run, page by page; absent where nobody asked. */
  readonly reachable?: Stream<readonly number[]> | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((messages: number) => void) | undefined
}

/** What reading back brought to light. */
export interface Check {
  /** How many messages were acknowledged, refused for good, and of unknown fate. */
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** How many of unknown fate turned out to be stored. */
  readonly recovered: number
  /** Messages that were acknowledged and are not in the database. */
  readonly lost: Findings<number>
  readonly doubled: Findings<DoubledMessage>
  readonly altered: Findings<AlteredRow>
  readonly unexpected: Findings<UnexpectedRow>
  readonly outOfOrder: Findings<OutOfOrder>
  /** Names that more than one client has. */
  readonly doubledClients: Findings<DoubledClient>
  readonly shownNotStored: Findings<ShownNotStored>
  /** Ids of stored messages that no history shows. */
  readonly unreachable: Findings<number>
  /** Messages that are there, but linked to no client. */
  readonly withoutClient: number
  /** How much evidence there was; null where nobody looked. */
  readonly evidence: { readonly rows: number; readonly shown: number | null; readonly reachable: number | null }
}

/** One question asks for this many rows at most, … */
const BATCH_MESSAGES = 1_000
/** … and for no more than this much text, so that the answer stays small. */
const BATCH_UNITS = 4 * 1_048_576
const PAGE_ROWS = 5_000
/** Foreign rows of which it is found out whether they say what another says; findings beyond are only counted. */
const MOST_COMPARED = 1_000

/** Looks up everything that was sent, batch by batch: the memory that it takes does not grow with the texts. */
export const checkOperations = async (options: CheckOptions): Promise<Check> => {
  const {
    operations,
    readBack,
    highWaterMark,
    doublesAfter = highWaterMark,
    shown,
    reachable,
    signal,
    onProgress,
  } = options
  const lost = createFindings<number>()
  const doubled = createFindings<DoubledMessage>()
  const altered = createFindings<AlteredRow>()
  const unexpected = createFindings<UnexpectedRow>()
  const outOfOrder = createFindings<OutOfOrder>()
  const doubledClients = createFindings<DoubledClient>()
  const conversations = createFingerprintSet()
  const usernames = createFingerprintSet()
  const accounted = createBitSet()
  const order = createOrderCheck(highWaterMark)
  const outcomes = { ok: 0, fail: 0, info: 0 }
  let [messages, rows, recovered, withoutClient] = [0, 0, 0, 0]

  for await (const batch of inBatches(operations, sizeOf)) {
    signal?.throwIfAborted()
    const expected = batch.map(toExpected)
    const stored = await readBack.rowsByKey(expected.map(({ idempotencyKey }) => idempotencyKey))
    const verdict = judge(expected, stored, highWaterMark)
    lost.add(...verdict.lost)
    doubled.add(...verdict.doubled)
    altered.add(...verdict.altered)
    unexpected.add(...verdict.unexpected)
    outOfOrder.add(...verdict.matched.flatMap((one, index) => order.look(senderOf(batch[index], one.message), one)))
    recovered += verdict.recovered
    withoutClient += verdict.withoutClient
    for (const { outcome, sessionId } of expected) {
      outcomes[outcome] += 1
      conversations.add(sessionId)
    }
    for (const { id } of stored) if (id > doublesAfter) accounted.add(id - doublesAfter)
    doubledClients.add(...(await readBack.doubledClients(takeNew(usernames, expected))))
    messages += batch.length
    rows += stored.length
    onProgress?.(messages)
  }

  const accounts: Accounts = {
    isAccounted: (id) => id > doublesAfter && accounted.has(id - doublesAfter),
    isOurConversation: (sessionId) => conversations.has(sessionId),
  }
  let compared = 0
  for await (const page of readPages(readBack, doublesAfter, signal)) {
    const foreign = findForeignRows(page, accounts)
    const ids = foreign.slice(0, MOST_COMPARED - compared).map(({ id }) => id)
    compared += ids.length
    const found = judgeForeignRows(foreign, ids.length === 0 ? [] : await readBack.twinsOf(ids), accounts)
    doubled.add(...found.doubled)
    unexpected.add(...found.unexpected.filter(({ id }) => id > highWaterMark))
  }
  const seen = shown === undefined ? undefined : await checkShown(shown, readBack, signal)
  const reached = reachable === undefined ? undefined : await checkReachable(reachable, accounted, doublesAfter)
  return {
    outcomes,
    recovered,
    lost: lost.result(),
    doubled: doubled.result(),
    altered: altered.result(),
    unexpected: unexpected.result(),
    outOfOrder: outOfOrder.result(),
    doubledClients: doubledClients.result(),
    shownNotStored: seen?.found ?? NOTHING,
    unreachable: reached?.found ?? NOTHING,
    withoutClient,
    evidence: { rows, shown: seen?.count ?? null, reachable: reached?.count ?? null },
  }
}

const NOTHING: Findings<never> = { count: 0, first: [] }

const toExpected = ({ line, outcome, acknowledgedId, content }: SentOperation): ExpectedMessage => ({
  ...content,
  line,
  outcome,
  acknowledgedId,
})

const sizeOf = ({ content }: SentOperation): number => (content.text?.length ?? 0) + (content.imageUrl?.length ?? 0)

const senderOf = (operation: SentOperation | undefined, { senderType, sessionId }: ExpectedMessage): string =>
  operation?.sender ?? `${senderType} ${sessionId}`

/** The names that were not asked for before. */
const takeNew = (
  known: ReturnType<typeof createFingerprintSet>,
  messages: readonly ExpectedMessage[],
): readonly string[] => {
  const names = new Set(messages.map(({ guestUsername }) => guestUsername))
  const fresh = [...names].filter((name) => !known.has(name))
  for (const name of fresh) known.add(name)
  return fresh
}

async function* inBatches<T>(items: Stream<T>, unitsOf: (item: T) => number): AsyncGenerator<readonly T[]> {
  let batch: T[] = []
  let units = 0
  for await (const item of items) {
    batch.push(item)
    units += unitsOf(item)
    if (batch.length < BATCH_MESSAGES && units < BATCH_UNITS) continue
    yield batch
    batch = []
    units = 0
  }
  if (batch.length > 0) yield batch
}

async function* readPages(
  readBack: ReadBack,
  highWaterMark: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly NewRow[]> {
  for (let after: number | undefined = highWaterMark; after !== undefined;) {
    signal?.throwIfAborted()
    const page: readonly NewRow[] = await readBack.rowsAfter(after, PAGE_ROWS)
    yield page
    after = page.length < PAGE_ROWS ? undefined : page.at(-1)?.id
  }
}

interface Found<T> {
  readonly found: Findings<T>
  /** How much was looked at. */
  readonly count: number
}

const checkShown = async (
  shown: Stream<ShownMessage>,
  readBack: ReadBack,
  signal: AbortSignal | undefined,
): Promise<Found<ShownNotStored>> => {
  const found = createFindings<ShownNotStored>()
  let count = 0
  for await (const batch of inBatches(shown, ({ text, imageUrl }) => (text?.length ?? 0) + (imageUrl?.length ?? 0))) {
    signal?.throwIfAborted()
    found.add(...judgeShown(batch, await readBack.rowsById([...new Set(batch.map(({ id }) => id))])))
    count += batch.length
  }
  return { found: found.result(), count }
}

const checkReachable = async (
  pages: Stream<readonly number[]>,
  accounted: ReturnType<typeof createBitSet>,
  after: number,
): Promise<Found<number>> => {
  const reached = createBitSet()
  let count = 0
  for await (const page of pages) {
    for (const id of page) if (id > after) reached.add(id - after)
    count += page.length
  }
  const found = createFindings<number>()
  for (const place of accounted.values()) if (!reached.has(place)) found.add(place + after)
  return { found: found.result(), count }
}
