import { describe, expect, test } from 'vitest'
import { countsOf, nextAfter, verdictOf } from '../../../src/replay/describe-report.js'
import { describeSteps } from '../../../src/next-step.js'
import { judgeReplay, type ReplayReport } from '../../../src/replay/replay.js'
import { describeFacts, type FactsAbout } from '../../../src/replay/run-facts.js'
import { mergeFindings, type Findings } from '../../../src/replay/checking/findings.js'

const none: Findings<never> = { count: 0, first: [] }

const report = (part: Partial<ReplayReport> = {}): ReplayReport => ({
  ...{ attempted: 3, saved: 2, duplicates: 1, rejected: none },
  ...{ lost: none, doubled: none, altered: none, unexpected: none, outOfOrder: none, doubledClients: none },
  ...{ shownNotStored: none, unreachable: none, recovered: 0, withoutClient: 0, edited: 0, deleted: 0 },
  outcomes: { ok: 3, fail: 0, info: 0 },
  evidence: { rows: 3, shown: null, reachable: null },
  ...{ verdict: 'passed', reasons: [], sendMs: 1, readBackMs: 1, messagesPerSecond: 1 },
  ...part,
})

const lost: Findings<number> = { count: 1, first: [2] }

describe('the report of a replay', () => {
  test.for<[string, Partial<ReplayReport>, string]>([
    ['a clean run', {}, '3 messages attempted, 2 saved, 1 duplicate; nothing lost, doubled or unexpected'],
    ['a clean comparison', { found: 3 }, '3 messages compared, 3 found; nothing lost, doubled or altered'],
    [
      'messages that the application deleted since',
      { found: 1, edited: 1, deleted: 2 },
      '3 messages compared, 1 found, 2 deleted since; nothing lost, doubled or altered',
    ],
    [
      'a lost message',
      { verdict: 'failed', lost },
      '3 messages attempted, 2 saved, 1 duplicate; 0 rejected, 1 lost, 0 doubled, 0 unexpected',
    ],
    [
      'a finding of a rarer kind',
      { verdict: 'failed', outOfOrder: { count: 1, first: [{ line: 1, id: 1, earlierId: 2 }] } },
      '3 messages attempted, 2 saved, 1 duplicate; 0 rejected, 0 lost, 0 doubled, 0 unexpected, 1 out of order',
    ],
  ])('ends with a verdict: %s', ([, part, verdict]) => {
    expect(verdictOf(report(part))).toBe(verdict)
  })

  test('counts what was done, and marks what is wrong', () => {
    const bad = countsOf(report({ lost })).filter(({ isBad }) => isBad)
    expect(countsOf(report()).map(({ name }) => name)).toEqual([
      'attempted',
      'saved',
      'duplicates',
      'rejected',
      'lost',
      'doubled',
      'unexpected',
    ])
    expect(bad).toEqual([{ name: 'lost', amount: 1, isBad: true }])
  })

  test.for<[string, Partial<ReplayReport>, string | undefined]>([
    ['nothing after a clean run', {}, undefined],
    ['nothing when the database loses messages', { lost }, undefined],
    [
      'a replay after a comparison',
      { lost, found: 2 },
      'store what is missing, and nothing twice: chatkeep replay a.ndjson',
    ],
    [
      'a run from the start after a resumed one',
      { lost, resumedAt: 1 },
      'the same command without --resume sends again what an earlier run had sent',
    ],
  ])('advises %s', ([, part, advice]) => {
    const next = nextAfter(report(part), 'a.ndjson')
    expect(next && describeSteps(next)).toBe(advice)
  })

  test.for<[Partial<FactsAbout>, Partial<ReplayReport>, readonly string[]]>([
    [{}, {}, []],
    [{ checkOnly: true }, {}, ['not checked: the order of messages, and rows that are not in the transcript']],
    [{ truncated: true }, {}, ['the transcript is truncated: it has no footer, so messages may be missing at its end']],
    [{}, { skipped: { typing: 2, user: 1 } }, ['skipped, not messages: 2 typing, 1 user']],
    [{}, { resumedAt: 7 }, ['resumed after line 7: an earlier run sent everything up to it']],
    [{ speed: 'max' }, {}, []],
    [{ speed: 'x10' }, { mostBehindMs: 4.4 }, ['at most 4 ms behind schedule']],
  ])('%j %j: says %j', ([about, part, facts]) => {
    expect(describeFacts(report(part), { format: 'plain', truncated: false, ...about })).toEqual(facts)
  })
})

test('a rejected line fails a run that is clean or unknown otherwise, and is named before other reasons', () => {
  expect(judgeReplay(report(), 0)).toEqual({ verdict: 'passed', reasons: [] })
  expect(judgeReplay(report(), 2)).toEqual({ verdict: 'failed', reasons: ['2 rejected'] })
  expect(judgeReplay(report({ evidence: { rows: 0, shown: null, reachable: null } }), 1)).toEqual({
    verdict: 'failed',
    reasons: ['1 rejected'],
  })
  expect(judgeReplay(report({ lost }), 1).reasons).toEqual(['1 rejected', '1 lost'])
})

test('findings of two searches are counted together, and the first thousand kept', () => {
  const many = { count: 5_000, first: Array.from({ length: 1_000 }, (_, index) => index) }
  expect(mergeFindings(lost, { count: 2, first: [5, 6] })).toEqual({ count: 3, first: [2, 5, 6] })
  expect(mergeFindings(lost, many).count).toBe(5_001)
  expect(mergeFindings(lost, many).first).toHaveLength(1_000)
})
