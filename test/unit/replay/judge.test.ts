import { describe, expect, test } from 'vitest'
import { judge, type ExpectedMessage, type StoredMessage } from '../../../src/replay/checking/judge.js'
import type { Check } from '../../../src/replay/checking/check-operations.js'
import { judgeRun, type FaultCount, type RunJudgement } from '../../../src/replay/checking/judge-run.js'
import { gapsOf, NO_IDS, type EarlierIds, type IdGap } from '../../../src/replay/checking/earlier-ids.js'
import { createOrderCheck } from '../../../src/replay/checking/judge-order.js'
import { judgeShown, type ShownMessage } from '../../../src/replay/checking/judge-shown.js'
import { findForeignRows, judgeForeignRows } from '../../../src/replay/checking/judge-new-rows.js'

const at = new Date('2026-04-01T09:00:08.250Z')

const expected = (line: number, part: Partial<ExpectedMessage> = {}): ExpectedMessage => ({
  line,
  outcome: 'ok',
  idempotencyKey: `key ${line}`,
  senderType: 'CLIENT',
  text: `text ${line}`,
  guestUsername: 'maria',
  sessionId: 'c1',
  createdAt: at,
  guestPhone: null,
  operatorId: null,
  ...part,
})

const stored = (line: number, part: Partial<StoredMessage> = {}): StoredMessage => ({
  id: 100 + line,
  idempotencyKey: `key ${line}`,
  imageUrl: null,
  imageName: null,
  mimeType: null,
  senderType: 'CLIENT',
  text: `text ${line}`,
  guestUsername: 'maria',
  sessionId: 'c1',
  createdAt: at,
  messageType: 'TEXT',
  guestPhone: null,
  operatorId: null,
  clientId: 1,
  clientUsername: 'maria',
  isFormerName: false,
  ...part,
})

const clean = {
  lost: [],
  doubled: [],
  altered: [],
  unexpected: [],
  recovered: 0,
  withoutClient: 0,
  edited: 0,
  deleted: 0,
}

const judged = (...parts: Parameters<typeof judge>): object => {
  const { matched: _matched, ...found } = judge(...parts)
  return found
}

describe('the checker', () => {
  test('finds nothing when every message is there once and unchanged', () => {
    expect(judged([expected(1), expected(2)], [stored(2), stored(1)])).toEqual(clean)
  })

  test('finds a deleted row', () => {
    expect(judged([expected(1), expected(2)], [stored(2)])).toEqual({ ...clean, lost: [1] })
  })

  test('counts what was edited and deleted by the application, and does not call it altered or lost', () => {
    const changes = new Map([
      ['key 1', 'deleted'],
      ['key 2', 'edited'],
    ] as const)
    const rows = [stored(2, { text: 'corrected' })]
    expect(judged([expected(1), expected(2)], rows, [], changes)).toEqual({ ...clean, deleted: 1, edited: 1 })
    const moved = judge([expected(2)], [stored(2, { text: 'corrected', sessionId: 'y' })], [], changes)
    expect(moved.altered.map(({ reason }) => reason)).toEqual(['differs from its line in sessionId'])
    expect(judge([expected(2)], [], [], changes).lost).toEqual([2])
  })

  test('knows the client by a former name', () => {
    const rows = [stored(1, { clientUsername: 'Maria Lopez', isFormerName: true })]
    expect(judged([expected(1)], rows)).toEqual(clean)
  })

  test('finds everything lost in an empty table', () => {
    expect(judge([expected(1), expected(2)], []).lost).toEqual([1, 2])
  })

  test('does not miss a message that was rejected', () => {
    expect(judged([expected(1, { outcome: 'fail' })], [])).toEqual(clean)
  })

  test('finds a doubled row', () => {
    expect(judged([expected(1)], [stored(1), stored(1, { id: 900 })])).toEqual({
      ...clean,
      doubled: [{ line: 1, ids: [101, 900] }],
    })
  })

  test.for<[string, Partial<StoredMessage>]>([
    ['text', { text: 'texT 1' }],
    ['text', { text: null }],
    ['text', { text: 'text 1 ' }],
    ['guestUsername', { guestUsername: 'Maria' }],
    ['guestUsername', { guestUsername: null }],
    ['senderType', { senderType: 'OPERATOR' }],
    ['sessionId', { sessionId: 'c2' }],
    ['createdAt', { createdAt: new Date(+at + 1) }],
    ['messageType', { messageType: 'IMAGE' }],
    ['imageUrl', { imageUrl: 'data:,' }],
    ['imageName', { imageName: 'a.png' }],
    ['mimeType', { mimeType: 'image/png' }],
    ['guestPhone', { guestPhone: '+1' }],
    ['operatorId', { operatorId: 7 }],
    ['clientId', { clientId: 2, clientUsername: 'somebody else' }],
  ])('finds a row that differs in its %s', ([column, part]) => {
    expect(judged([expected(1)], [stored(1, part)])).toEqual({
      ...clean,
      altered: [{ id: 101, line: 1, reason: `differs from its line in ${column}` }],
    })
  })

  test('names all columns that differ', () => {
    const [found] = judge([expected(1)], [stored(1, { text: 'x', sessionId: 'y', createdAt: new Date(0) })]).altered
    expect(found?.reason).toBe('differs from its line in text, sessionId, createdAt')
  })

  test('finds the other body under the key of a rejected message', () => {
    const found = judged([expected(1, { outcome: 'fail' })], [stored(1, { text: 'of somebody else' })])
    expect(found).toEqual({ ...clean, altered: [{ id: 101, line: 1, reason: 'differs from its line in text' }] })
  })

  test('finds what was refused for good and is stored, unless it was there before', () => {
    const refused = expected(1, { outcome: 'fail' })
    expect(judged([refused], [stored(1)])).toEqual({
      ...clean,
      unexpected: [{ id: 101, line: 1, reason: 'was refused, and is stored' }],
    })
    expect(judged([refused], [stored(1)], [[1, 101]])).toEqual(clean)
  })

  test('accepts an unknown outcome either way, and counts the messages found to be stored', () => {
    const unknown = [expected(1, { outcome: 'info' }), expected(2, { outcome: 'info' })]
    expect(judged(unknown, [stored(2)])).toEqual({ ...clean, recovered: 1 })
  })

  test('finds a message that was acknowledged under the id of another', () => {
    expect(judged([expected(1, { acknowledgedId: 101 })], [stored(1)])).toEqual(clean)
    expect(judged([expected(1, { acknowledgedId: 102 })], [stored(1)])).toEqual({
      ...clean,
      altered: [{ id: 101, line: 1, reason: 'was acknowledged as message 102' }],
    })
  })

  test('leaves the time alone where it is the server that dates messages', () => {
    expect(judge([expected(1, { createdAt: null })], [stored(1, { createdAt: new Date() })])).toMatchObject(clean)
  })
})

describe('rows that appeared since the run began', () => {
  const accounts = { isAccounted: (id: number) => id === 101, isOurConversation: (name: string) => name === 'c1' }

  test('are unexpected in a conversation of the transcript when no line accounts for them', () => {
    const rows = [
      { id: 101, sessionId: 'c1', idempotencyKey: 'key 1' },
      { id: 102, sessionId: 'c1', idempotencyKey: null },
      { id: 103, sessionId: 'c1', idempotencyKey: 'of another' },
      { id: 104, sessionId: 'another conversation', idempotencyKey: null },
      { id: 105, sessionId: null, idempotencyKey: null },
    ]
    const reason = 'was written during the run into a conversation of the transcript'
    const foreign = findForeignRows(rows, accounts)
    expect(judgeForeignRows(foreign, [], accounts)).toEqual({
      doubled: [],
      unexpected: [
        { id: 102, line: null, reason: `${reason}, without a key` },
        { id: 103, line: null, reason: `${reason}, under a key that no line has` },
      ],
    })
    const twins = [
      { id: 102, twinIds: [99, 101] },
      { id: 103, twinIds: [102] },
    ]
    expect(judgeForeignRows(foreign, twins, accounts)).toMatchObject({
      doubled: [{ line: null, ids: [101, 102] }],
      unexpected: [{ id: 103 }],
    })
  })
})

test.for<[EarlierIds, readonly IdGap[]]>([
  [NO_IDS, [{ after: null, before: null }]],
  [
    [
      [-9, -3],
      [1, 5],
    ],
    [
      { after: null, before: -9 },
      { after: -3, before: 1 },
      { after: 5, before: null },
    ],
  ],
])('new rows are looked for around the earlier ids %j', ([earlier, gaps]) => {
  expect(gapsOf(earlier)).toEqual(gaps)
})

describe('the order of a sender', () => {
  type Sent = number | [id: number, Partial<ExpectedMessage>, laterMs?: number]
  const look = (ids: readonly Sent[]): readonly unknown[] => {
    const order = createOrderCheck([[1, 100]])
    return ids.flatMap((one, index) => {
      const [id, part, laterMs = 0] = typeof one === 'number' ? [one, {}] : one
      const message = expected(index + 1, part)
      const rows = id === 0 ? [] : [stored(1, { id, createdAt: new Date(+at + laterMs) })]
      return order.look(message.sessionId, { message, rows })
    })
  }
  const byServer = { createdAt: null }

  test.for<[string, Parameters<typeof look>[0], readonly unknown[]]>([
    ['is kept by ascending ids of one moment', [101, 105, 106], []],
    [
      'is broken by each id below an earlier one of that moment',
      [103, 101, 102],
      [
        { line: 2, id: 101, earlierId: 103 },
        { line: 3, id: 102, earlierId: 103 },
      ],
    ],
    [
      'is kept by time, whatever the ids',
      [
        [2_147_483_647, byServer],
        [-2_147_483_648, byServer, 1],
        [101, byServer, 2],
      ],
      [],
    ],
    [
      'is broken by an earlier time that the server set',
      [
        [101, byServer, 5],
        [102, byServer, 4],
      ],
      [{ line: 2, id: 102, earlierId: 101 }],
    ],
    [
      'is not told by times that the sender gave',
      [
        [101, {}, 5],
        [102, {}, 4],
        [103, {}, 5],
      ],
      [],
    ],
    ['is kept where the other is of somebody else', [103, [101, { sessionId: 'c2' }], 104], []],
    ['says nothing of what was not acknowledged', [103, [101, { outcome: 'info' }], 104], []],
    ['says nothing of rows from before the run, nor of lost ones', [103, 99, 0, 104], []],
  ])('%s', ([, ids, found]) => {
    expect(look(ids)).toEqual(found)
  })
})

describe('what was shown', () => {
  test.for<[string, ShownMessage, string | undefined]>([
    ['is stored', { id: 101, conversation: 'c1', text: 'text 1', imageUrl: null }, undefined],
    ['is stored, as far as anybody looked', { id: 101 }, undefined],
    ['is not stored', { id: 102 }, 'was shown, and is not stored'],
    [
      'says something else',
      { id: 101, text: 'x', conversation: 'c2' },
      'was shown differently than it is stored, in sessionId, text',
    ],
  ])('%s', ([, shown, reason]) => {
    expect(judgeShown([shown], [stored(1)])).toEqual(reason === undefined ? [] : [{ id: shown.id, reason }])
  })
})

describe('a run', () => {
  const none = { count: 0, first: [] }
  const check: Check = {
    outcomes: { ok: 5, fail: 0, info: 0 },
    recovered: 0,
    lost: none,
    doubled: none,
    altered: none,
    unexpected: none,
    outOfOrder: none,
    doubledClients: none,
    shownNotStored: none,
    unreachable: none,
    withoutClient: 0,
    ...{ edited: 0, deleted: 0 },
    evidence: { rows: 5, shown: null, reachable: null },
  }
  const some = { count: 1, first: [] }
  const fired = { fault: 'kill -9', times: 3 }

  test.for<[string, Partial<Check>, readonly FaultCount[], RunJudgement['verdict'], readonly string[]]>([
    ['passes when there was something to find, and nothing is wrong', {}, [fired], 'passed', []],
    ['passes when all was looked at', { evidence: { rows: 5, shown: 9, reachable: 5 } }, [], 'passed', []],
    [
      'fails by any finding',
      { lost: some, unreachable: some },
      [fired],
      'failed',
      ['1 lost', '1 stored and not reachable'],
    ],
    [
      'fails by a finding even if a fault never fired',
      { doubled: some },
      [{ ...fired, times: 0 }],
      'failed',
      ['1 doubled'],
    ],
    [
      'is unknown when a fault never fired',
      {},
      [{ ...fired, times: 0 }],
      'unknown',
      ['the fault "kill -9" never fired'],
    ],
    [
      'is unknown when no message was acknowledged',
      { outcomes: { ok: 0, fail: 5, info: 5 } },
      [],
      'unknown',
      ['no message was acknowledged'],
    ],
    [
      'is unknown when nothing was read back',
      { evidence: { rows: 0, shown: 0, reachable: 0 } },
      [],
      'unknown',
      ['nothing was read back', 'no message was shown', 'history showed nothing'],
    ],
  ])('%s', ([, part, faults, verdict, reasons]) => {
    expect(judgeRun({ ...check, ...part }, faults)).toEqual({ verdict, reasons })
  })
})
