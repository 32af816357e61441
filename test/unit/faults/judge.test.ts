import { describe, expect, test } from 'vitest'
import { createAccount, Answered, type Account } from '../../faults/books.js'
import { createBroadcasts } from '../../faults/broadcasts.js'
import { bodyOf } from '../../faults/bodies.js'
import { bytes, createColumn } from '../../faults/column.js'
import { createJudge, type Finding, type StoredRow, type Writer } from '../../faults/judge.js'
import { storable } from '../../faults/people.js'

const SEED = 5
const MESSAGES = 40

const writerOf = (account: Account): Writer => ({
  account,
  scope: 'guest-x',
  name: 'Zoe\u0308 ',
  phone: undefined,
  operatorId: null,
})

const rowOf = (number: number): StoredRow => {
  const body = bodyOf(SEED, 0, number)
  return {
    id: 100 + number,
    at: 1_000 + number,
    key: `guest-x/m${number}`,
    senderType: 'CLIENT',
    messageType: body.type === 'text' ? 'TEXT' : 'IMAGE',
    text: body.type === 'text' ? storable(body.message) : null,
    imageUrl: body.type === 'image' ? body.image : null,
    imageName: body.type === 'image' ? body.name : null,
    mimeType: body.type === 'image' ? body.mimeType : null,
    guestUsername: 'Zoë',
    guestPhone: null,
    sessionId: 'guest-x',
    operatorId: null,
    clientId: 1,
    clientUsername: 'Zoë',
  }
}

const honest = (): StoredRow[] => Array.from({ length: MESSAGES }, (_, number) => rowOf(number))

interface Lie {
  readonly rows?: (rows: StoredRow[]) => readonly StoredRow[]
  readonly unreached?: readonly number[]
  readonly told?: readonly object[]
  readonly answered?: number
}

/** Forty messages that were acknowledged under the ids of their rows, and what is found when some of that is not so. */
const findingsAbout = ({
  rows = (all) => all,
  unreached = [],
  told = [],
  answered = Answered.stored,
}: Lie): readonly string[] => {
  const account = createAccount(0, 'client')
  const reached = createColumn(bytes)
  for (let number = 0; number < MESSAGES; number += 1) {
    account.begun += 1
    account.fault.set(number, 3)
    account.answered.set(number, answered)
    if (answered === Answered.stored) account.acknowledgedId.set(number, 100 + number)
    if (!unreached.includes(number)) reached.set(100 + number, 1)
  }
  const broadcasts = createBroadcasts(Number)
  for (const payload of told) broadcasts.hear(payload, 0)
  const findings: Finding[] = []
  const report = (finding: Finding): unknown => findings.push(finding)
  const judge = createJudge({ seed: SEED, writers: [writerOf(account)], broadcasts, reached, report })
  for (const row of rows(honest())) judge.take(row)
  judge.finish()
  return findings.map(({ kind, key, fault }) => `${kind} ${key} ${fault}`)
}

const change = (number: number, changes: Partial<StoredRow>) => (rows: StoredRow[]) =>
  rows.map((row, index) => (index === number ? { ...row, ...changes } : row))

describe('the judge of a campaign of faults', () => {
  test('has nothing to say when every message is there once, as it was sent', () => {
    expect(findingsAbout({})).toEqual([])
    expect(findingsAbout({ told: [{ ...toldOf(7) }] })).toEqual([])
  })

  test.for<readonly [string, Lie, string]>([
    ['a row that is gone', { rows: (rows) => rows.toSpliced(7, 1) }, 'lost guest-x/m7 3'],
    [
      'a queued message that never came',
      { rows: (rows) => rows.toSpliced(7, 1), answered: Answered.queued },
      'lost guest-x/m7 3',
    ],
    ['a row that stands twice', { rows: (rows) => [...rows, { ...rowOf(39), id: 900 }] }, 'doubled guest-x/m39 3'],
    ['one byte', { rows: change(7, { text: `${rowOf(7).text ?? ''}\u200b` }) }, 'altered guest-x/m7 3'],
    ['another form of the name', { rows: change(7, { guestUsername: 'Zoe\u0308' }) }, 'altered guest-x/m7 3'],
    ["somebody else's client", { rows: change(7, { clientUsername: 'Zoe' }) }, 'altered guest-x/m7 3'],
    ['another conversation', { rows: change(7, { sessionId: 'guest-y' }) }, 'altered guest-x/m7 3'],
    ['a later time', { rows: change(7, { at: 1_008.5 }) }, 'reordered guest-x/m8 3'],
    ['a row of nobody', { rows: (rows) => [...rows, { ...rowOf(1), id: 900, key: null }] }, 'unexpected no key 0'],
    [
      'a key never used',
      { rows: (rows) => [...rows, { ...rowOf(1), id: 900, key: 'guest-x/m40' }] },
      'unexpected guest-x/m40 0',
    ],
    ['a refused message that is there', { answered: Answered.refused }, 'unexpected guest-x/m7 3'],
    ['a message that no history shows', { unreached: [7] }, 'unreachable guest-x/m7 3'],
    ['a broadcast with another text', { told: [{ ...toldOf(7), message: 'x' }] }, 'misreported guest-x/m7 3'],
    ['a broadcast of what is not stored', { told: [{ ...toldOf(7), id: 200 }] }, 'misreported unknown 0'],
    ['two broadcasts that differ', { told: [toldOf(7), { ...toldOf(7), message: 'x' }] }, 'misreported guest-x/m7 3'],
  ])('finds %s', ([, lie, finding]) => {
    expect(findingsAbout(lie)).toContain(finding)
  })

  test('finds an acknowledgement that named another row', () => {
    expect(findingsAbout({ rows: change(7, { id: 900 }) })).toContain('altered guest-x/m7 3')
  })
})

test('counts the broadcasts that one listener heard twice, not those that two have heard', () => {
  const broadcasts = createBroadcasts(Number)
  broadcasts.hear(toldOf(7), 1)
  broadcasts.hear(toldOf(7), 2)
  expect(broadcasts.countHeardTwice()).toBe(0)
  broadcasts.hear(toldOf(7), 2)
  expect(broadcasts.countHeardTwice()).toBe(1)
})

function toldOf(number: number): { id: number; from: string; message?: string; image?: string } {
  const { id, text, imageUrl } = rowOf(number)
  return {
    id,
    from: 'guest-x',
    ...(text === null ? {} : { message: text }),
    ...(imageUrl === null ? {} : { image: imageUrl }),
  }
}
