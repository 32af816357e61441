import { expect, test } from 'vitest'
import { renderJournalReport } from '../../../src/replay/journal/report.js'
import { isJournalClean, type JournalReport } from '../../../src/replay/journal/replay-journal.js'
import { differingColumns, type JournalRow } from '../../../src/replay/journal/rows.js'
import { createRender } from '../../../src/terminal/render.js'

const none = { count: 0, first: [] }

const CLEAN: JournalReport = {
  ...{ attempted: 3, saved: 2, duplicates: 1, rejected: none, tornLine: undefined, mayBeAnswered: false },
  ...{ lost: none, doubled: none, altered: none, edited: 0, deleted: 0, sendMs: 1, readBackMs: 1 },
  ...{ source: 'journal', checkOnly: false, standby: undefined },
}

test.for<[string, Partial<JournalReport>, boolean]>([
  ['every message is stored', {}, true],
  ['its last line is torn and was never answered', { tornLine: 4 }, true],
  ['its last line may have been answered', { tornLine: 4, mayBeAnswered: true }, false],
  ['a message was rejected', { rejected: { count: 1, first: [{ line: 2, reason: 'text is empty' }] } }, false],
  ['messages were edited and deleted since', { edited: 1, deleted: 2 }, true],
  ['a message is lost', { lost: { count: 1, first: [2] } }, false],
  ['a message is doubled', { doubled: { count: 1, first: [{ line: 2, ids: [1, 2] }] } }, false],
  ['a message is altered', { altered: { count: 1, first: [{ line: 2, id: 1, reason: 'differs in text' }] } }, false],
])('a journal is clean or not when %s', ([, part, clean]) => {
  expect(isJournalClean({ ...CLEAN, ...part })).toBe(clean)
})

test('the report of a journal counts, names the lines, and ends with the verdict', () => {
  const bad: JournalReport = { ...CLEAN, tornLine: 4, lost: { count: 1, first: [2] } }
  expect(renderJournalReport(bad, createRender(false)).join('\n')).toBe(`attempted   3
saved       2
duplicates  1
rejected    0
lost        1
doubled     0
altered     0
line 4 is incomplete and was left out: its sender was never told that the message is queued

lost:
  line 2: not in the database

FAIL: not every message of the journal is in the database as the journal has it; the journal is unchanged`)
})

test('the report of a comparison says what was found', () => {
  const compared: JournalReport = { ...CLEAN, ...{ saved: 0, duplicates: 0, source: 'rejected', checkOnly: true } }
  expect(renderJournalReport(compared, createRender(false)).join('\n')).toBe(`compared  3
found     3
rejected  0
lost      0
doubled   0
altered   0

ok: all 3 messages of the file are in the database; the file is no longer needed`)
  const lacking: JournalReport = { ...CLEAN, checkOnly: true, lost: { count: 1, first: [2] } }
  expect(renderJournalReport(lacking, createRender(false)).at(-1)).toBe(
    'FAIL: 1 of 3 messages of the journal are not in the database: without --check-only they are stored',
  )
})

test('a row is compared in every column that the journal determines, the name only when the guest was known', () => {
  const row: JournalRow = {
    ...{ id: 1, idempotencyKey: 'k', createdAt: new Date(0), senderType: 'CLIENT', messageType: 'TEXT', text: 'Hello' },
    ...{ imageUrl: null, imageName: null, mimeType: null, guestUsername: 'maria', sessionId: 'c1' },
  }
  const message = { ...row, guestPhone: null, clientSocketId: null, clientId: null, operatorId: null }
  expect(differingColumns(message, row, true)).toEqual([])
  expect(differingColumns(message, { ...row, text: 'hello', guestUsername: 'ole' }, true)).toEqual([
    'text',
    'guestUsername',
  ])
  expect(differingColumns(message, { ...row, guestUsername: 'ole' }, false)).toEqual([])
})
