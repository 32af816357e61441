import { ExitCode, OperatorError } from '../errors.js'
import { createBitSet } from './bit-set.js'
import { createFindings, type Findings } from './findings.js'
import { createFingerprintSet } from './fingerprint-set.js'
import {
  judge,
  judgeNewRows,
  type Accounts,
  type DoubledMessage,
  type ExpectedMessage,
  type NewRow,
  type UnexpectedRow,
} from './judge.js'
import type { ReadBack } from './read-back.js'
import { readTranscript, type KeyedMessage } from './read-transcript.js'
import type { Sender } from './sender.js'
import type { Tally } from './tally.js'
import type { TranscriptInput } from './transcript-input.js'

/** What reading back brought to light. */
export interface Check {
  /** Lines whose messages were acknowledged and are not in the database. */
  readonly lost: Findings<number>
  readonly doubled: Findings<DoubledMessage>
  readonly unexpected: Findings<UnexpectedRow>
  /** Messages that are there, but linked to no client. */
  readonly withoutClient: number
}

export interface CheckOptions {
  /** The largest id before the first message was sent. */
  readonly highWaterMark: number
  readonly signal: AbortSignal
  readonly onProgress: (lines: number) => void
}

/** One question asks for this many keys at most, … */
const BATCH_MESSAGES = 1_000
/** … and for no more than this much text, so that the answer stays small. */
const BATCH_BYTES = 4 * 1_048_576
const PAGE_ROWS = 5_000

/**
 * Reads a transcript once more and looks up every message in the database.
 * @throws OperatorError `input_changed` when it is not the transcript that was sent
 */
export const checkTranscript = async (
  input: TranscriptInput,
  sent: Tally,
  sender: Pick<Sender, 'expectedRow'>,
  readBack: ReadBack,
  options: CheckOptions,
): Promise<Check> => {
  const lost = createFindings<number>()
  const doubled = createFindings<DoubledMessage>()
  const unexpected = createFindings<UnexpectedRow>()
  const conversations = createFingerprintSet()
  const accounted = createBitSet()

  const expect = async (message: KeyedMessage): Promise<ExpectedMessage> => {
    const content = await sender.expectedRow(message)
    return { ...content, line: message.line, acknowledged: !sent.refused.has(message.line) }
  }
  let messages = 0
  let withoutClient = 0
  for await (const batch of readBatches(input)) {
    options.signal.throwIfAborted()
    const expected = await Promise.all(batch.map(expect))
    const verdict = judge(
      expected,
      await readBack.rowsByKey(expected.map(({ idempotencyKey }) => idempotencyKey)),
      options.highWaterMark,
    )
    lost.add(...verdict.lost)
    doubled.add(...verdict.doubled)
    unexpected.add(...verdict.unexpected)
    withoutClient += verdict.withoutClient
    for (const { sessionId } of expected) conversations.add(sessionId)
    for (const id of verdict.accounted) if (id > options.highWaterMark) accounted.add(id - options.highWaterMark)
    messages += batch.length
    options.onProgress(messages)
  }
  if (messages !== sent.messages) throw inputChanged(input, sent.messages, messages)

  const accounts: Accounts = {
    isAccounted: (id) => accounted.has(id - options.highWaterMark),
    isOurConversation: (sessionId) => conversations.has(sessionId),
  }
  for await (const page of readPages(readBack, options)) unexpected.add(...judgeNewRows(page, accounts))
  return { lost: lost.result(), doubled: doubled.result(), unexpected: unexpected.result(), withoutClient }
}

async function* readBatches(input: TranscriptInput): AsyncGenerator<readonly KeyedMessage[]> {
  let batch: KeyedMessage[] = []
  let sizeBytes = 0
  for await (const entry of readTranscript(input.read())) {
    if (entry.message === undefined) continue
    batch.push(entry)
    sizeBytes += entry.sizeBytes
    if (batch.length < BATCH_MESSAGES && sizeBytes < BATCH_BYTES) continue
    yield batch
    batch = []
    sizeBytes = 0
  }
  if (batch.length > 0) yield batch
}

async function* readPages(
  readBack: ReadBack,
  { highWaterMark, signal }: CheckOptions,
): AsyncGenerator<readonly NewRow[]> {
  for (let after: number | undefined = highWaterMark; after !== undefined;) {
    signal.throwIfAborted()
    const page = await readBack.rowsAfter(after, PAGE_ROWS)
    yield page
    after = page.length < PAGE_ROWS ? undefined : page.at(-1)?.id
  }
}

const inputChanged = ({ name }: TranscriptInput, sent: number, found: number): OperatorError =>
  new OperatorError(
    'input_changed',
    `${name} changed while it was replayed: ${sent} messages were sent, and now it holds ${found}`,
    { hint: 'run the same command again: nothing will be doubled', exitCode: ExitCode.no },
  )
