import { describe, expect, test } from 'vitest'
import type { Check } from '../../../src/replay/checking/check-operations.js'
import { checkTranscript } from '../../../src/replay/check-transcript.js'
import type { ExpectedContent } from '../../../src/replay/checking/expected-content.js'
import type { StoredMessage } from '../../../src/replay/checking/judge.js'
import type { NewRow } from '../../../src/replay/checking/judge-new-rows.js'
import type { ReadBack } from '../../../src/replay/checking/read-back.js'
import { readTranscript } from '../../../src/transcripts/read-transcript.js'
import type { Sender } from '../../../src/replay/sending/sender.js'
import { createTally, type Tally } from '../../../src/replay/sending/tally.js'
import type { TranscriptInput } from '../../../src/transcripts/transcript-input.js'
import { manyLines } from '../../support/transcript.js'

const LARGEST_EARLIER = 500
const EARLIER = [[1, LARGEST_EARLIER]] as const

const inputOf = (content: string): TranscriptInput => ({
  name: 'chats.ndjson',
  start: Buffer.from(content),
  identity: () => Promise.resolve({ sizeBytes: content.length, headSha256: '' }),
  read: async function* () {
    yield await Promise.resolve(Buffer.from(content))
  },
})

const sender: Pick<Sender, 'expectedRow'> = {
  expectedRow: ({ message, key }) =>
    Promise.resolve({
      idempotencyKey: key,
      senderType: message.from === 'client' ? 'CLIENT' : 'OPERATOR',
      text: message.text,
      guestUsername: message.username,
      sessionId: message.conversation,
      createdAt: message.at,
      operatorId: null,
    }),
}

const NO_IMAGE = { imageUrl: null, imageName: null, mimeType: null }

/** Everything that an honest database holds after the transcript was sent. */
const rowsOf = async (input: TranscriptInput): Promise<StoredMessage[]> => {
  const rows: StoredMessage[] = []
  for await (const entry of readTranscript(input.read())) {
    if (entry.message === undefined) continue
    const content: ExpectedContent = await sender.expectedRow(entry)
    const client = {
      clientId: 1,
      clientUsername: content.guestUsername,
      isFormerName: false,
      messageType: 'TEXT',
      guestPhone: null,
      ...NO_IMAGE,
    }
    rows.push({ ...content, ...client, id: LARGEST_EARLIER + 1 + rows.length, createdAt: entry.message.at })
  }
  return rows
}

const readBackOf = (rows: readonly (StoredMessage | NewRow)[]): ReadBack => ({
  earlierIds: () => Promise.resolve(EARLIER),
  rowsByKey: (keys) => {
    const wanted = new Set(keys)
    return Promise.resolve(
      rows.filter((row) => 'text' in row && wanted.has(row.idempotencyKey ?? '')) as StoredMessage[],
    )
  },
  changesOf: () => Promise.resolve(new Map()),
  rowsById: () => Promise.resolve([]),
  twinsOf: () => Promise.resolve([]),
  doubledClients: () => Promise.resolve([]),
  rowsIn: ({ after, before }, limit) =>
    Promise.resolve(
      rows
        .filter(({ id }) => id > (after ?? -Infinity) && id < (before ?? Infinity))
        .toSorted((one, other) => one.id - other.id)
        .slice(0, limit),
    ),
})

const tallyOf = (messages: number, refused: readonly number[] = []): Tally => {
  const tally = createTally()
  for (let line = 1; line <= messages; line += 1) tally.begin(line)
  for (const line of refused) tally.settle(line, { kind: 'rejected', reason: '' })
  return tally
}

const check = (
  input: TranscriptInput,
  tally: Tally,
  rows: readonly (StoredMessage | NewRow)[],
  signal = new AbortController().signal,
): Promise<Check> =>
  checkTranscript(input, tally, sender, readBackOf(rows), {
    earlier: EARLIER,
    signal,
    onProgress: () => undefined,
  })

const nothing = { count: 0, first: [] }
const MESSAGES = 2_500

describe('reading a transcript back', () => {
  const content = manyLines(MESSAGES)

  test('finds nothing wrong in an honest database, batch after batch', async () => {
    const input = inputOf(content)
    const rows = await rowsOf(input)
    const found = await check(input, tallyOf(MESSAGES), rows)
    expect(found).toEqual({
      outcomes: { ok: MESSAGES, fail: 0, info: 0 },
      recovered: 0,
      lost: nothing,
      doubled: nothing,
      altered: nothing,
      unexpected: nothing,
      outOfOrder: nothing,
      doubledClients: nothing,
      shownNotStored: nothing,
      unreachable: nothing,
      withoutClient: 0,
      ...{ edited: 0, deleted: 0 },
      evidence: { rows: MESSAGES, shown: null, reachable: null },
    })
  })

  test('finds what is missing, at the beginning and the end of each batch', async () => {
    const input = inputOf(content)
    const missing = [1, 1_000, 1_001, 2_000, 2_001, 2_500]
    const rows = (await rowsOf(input)).filter((_, index) => !missing.includes(index + 1))
    expect((await check(input, tallyOf(MESSAGES), rows)).lost).toEqual({ count: 6, first: missing })
  })

  test('does not miss what was rejected', async () => {
    const input = inputOf(content)
    const rows = (await rowsOf(input)).filter((_, index) => index !== 6)
    expect((await check(input, tallyOf(MESSAGES, [7]), rows)).lost).toEqual(nothing)
  })

  test('finds a foreign row among thousands of other conversations', async () => {
    const input = inputOf(content)
    const others = Array.from({ length: 12_000 }, (_, index) => ({
      id: 10_000 + index,
      sessionId: 'of somebody else',
      idempotencyKey: null,
    }))
    const foreign = { id: 21_000, sessionId: 'guest 3', idempotencyKey: null }
    const old = { id: LARGEST_EARLIER, sessionId: 'guest 3', idempotencyKey: null }
    const rows = [...(await rowsOf(input)), ...others.filter(({ id }) => id !== foreign.id), foreign, old]
    const { unexpected } = await check(input, tallyOf(MESSAGES), rows)
    expect(unexpected.first.map(({ id }) => id)).toEqual([foreign.id])
  })

  test('refuses to judge when the transcript is not the one that was sent', async () => {
    const rows = await rowsOf(inputOf(content))
    await expect(check(inputOf(manyLines(1_000)), tallyOf(MESSAGES), rows)).rejects.toMatchObject({
      code: 'input_changed',
      message: 'chats.ndjson changed while it was replayed: 2500 messages were sent, and now it has 1000',
    })
  })

  test('stops when its signal fires', async () => {
    const reason = new Error('enough')
    const input = inputOf(content)
    await expect(check(input, tallyOf(MESSAGES), await rowsOf(input), AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})
