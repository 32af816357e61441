import { describe, expect, test } from 'vitest'
import { standbyObstacles, type PlannedStandby } from '../../../src/migrations/plan/standbys.js'

const standby = (more: Partial<PlannedStandby> = {}): PlannedStandby => ({
  name: 's1',
  isSynchronous: true,
  syncState: 'sync',
  isCatchingUp: false,
  lagS: 0,
  hasFeedback: false,
  ...more,
})

const question = { maxLagMs: 10_000, locksReaders: false, remoteApply: false, role: 'crm' }

describe('the standbys in a plan', () => {
  test.for<[string, PlannedStandby[], Partial<typeof question>, string[]]>([
    ['a quiet one is not mentioned', [standby()], {}, []],
    ['as far behind as it may be', [standby({ lagS: 10 })], {}, []],
    [
      'further behind: the run waits',
      [standby({ lagS: 34 })],
      {},
      ['standby_lags waits: standby s1 is 34 s behind: the run'],
    ],
    ['its feedback', [standby({ lagS: 34, hasFeedback: true })], {}, ['is 34 s behind and sends hot standby feedback']],
    [
      'just attached',
      [standby({ isCatchingUp: true, lagS: null })],
      {},
      ['standby_lags waits: standby s1 is catching up'],
    ],
    [
      'hidden from the role',
      [standby({ isSynchronous: false, syncState: null, lagS: null })],
      {},
      ['standby_lag_unknown note: this role may not see how far s1 is behind, so the run does not wait for it'],
    ],
    [
      'replays the locks',
      [standby()],
      { locksReaders: true },
      ['standby_replays_locks note: s1 replays each ACCESS EXCLUSIVE'],
    ],
    [
      'delays commits with remote_apply where it is synchronous',
      [standby(), standby({ name: 's2', isSynchronous: false })],
      { locksReaders: true, remoteApply: true },
      ['later ones wait meanwhile; as long, every commit with synchronous_commit = remote_apply waits for s1'],
    ],
    [
      'delays no commit where it is not',
      [standby({ isSynchronous: false })],
      { locksReaders: true, remoteApply: true },
      ['later ones wait meanwhile\n'],
    ],
  ])('%s', ([, standbys, more, expected]) => {
    const shown = standbyObstacles(standbys, { ...question, ...more }).map(
      ({ code, effect, text }) => `${code} ${effect}: ${text}\n`,
    )
    expect(shown).toEqual(expected.map((words): unknown => expect.stringContaining(words)))
  })
})
