import { describe, expect, test } from 'vitest'
import { OperatorError } from '../../../src/errors.js'
import { DatabaseRefused, StoreUnavailable } from '../../../src/persistence/errors.js'
import { afterFailure, backoffMs, isRetryable, withRetries } from '../../../src/persistence/retry.js'
import { serverError } from '../../support/server-error.js'

const busy = serverError('53300')
const lost = new Error('Connection terminated unexpectedly')

describe('a retry', () => {
  test.each([
    ['a serialization failure', serverError('40001'), true],
    ['a deadlock', serverError('40P01'), true],
    ['a lock that is not available', serverError('55P03'), true],
    ['a cancelled statement', serverError('57014'), true],
    ['a standby', serverError('25006'), true],
    ['a connection exception', serverError('08006'), true],
    ['a password that is being changed', serverError('28P01'), true],
    ['too many connections', busy, true],
    ['a server that shuts down', serverError('57P01'), true],
    ['a server that starts', serverError('57P03'), true],
    ['several hosts that all start', new AggregateError([serverError('57P03'), serverError('57P03')]), true],
    ['a host that starts and one that is gone', new AggregateError([serverError('57P03'), lost]), true],
    ['a dropped database', serverError('57P04'), true],
    ['a lost connection', lost, true],
    ['an idle-session time-out', serverError('57P05'), true],
    ['a unique violation', serverError('23505'), false],
    ['a failed transaction block', serverError('25P02'), false],
    ['a missing table', serverError('42P01'), false],
    ['an error that says so', new OperatorError('a', 'b', { retryable: true }), true],
    ['an error that does not say so', new OperatorError('a', 'b'), false],
    ['a refusal, whatever its cause', new DatabaseRefused(busy), false],
    ['a bug', new TypeError('x is not a function'), false],
  ])('follows %s (%s): %s', (_what, error, retryable) => {
    expect(isRetryable(error)).toBe(retryable)
  })

  test.each([
    // error, time left, pause, next
    [busy, 100, 99, 'retry'],
    [busy, 100, 100, 'too_late'],
    [lost, 0, 20, 'too_late'],
    [lost, -50, 20, 'too_late'],
    [serverError('23514'), 100, 20, 'refused'],
    [serverError('23514'), -50, 20, 'refused'],
  ] as const)('%s with %i ms left and a pause of %i ms: %s', (error, leftMs, pauseMs, next) => {
    expect(afterFailure(error, leftMs, pauseMs)).toBe(next)
  })

  test.each([
    [1, 10, 30],
    [2, 20, 60],
    [4, 80, 240],
    [6, 320, 960],
    [7, 500, 1_500],
    [50, 500, 1_500],
    [2_000, 500, 1_500],
  ])('waits after attempt %i from %i to %i ms', (attempts, least, most) => {
    for (let i = 0; i < 200; i += 1) {
      expect(backoffMs(attempts)).toBeGreaterThanOrEqual(least)
      expect(backoffMs(attempts)).toBeLessThanOrEqual(most)
    }
  })

  test('ends with the first success', async () => {
    let attempts = 0
    const answer = await withRetries({ deadlineMs: 10_000 }, () => {
      attempts += 1
      return attempts < 3 ? Promise.reject(busy) : Promise.resolve('done')
    })
    expect(answer).toBe('done')
    expect(attempts).toBe(3)
  })

  test('ends at once, with a type of ours, when nothing can change', async () => {
    await expect(withRetries({ deadlineMs: 10_000 }, () => Promise.reject(serverError('22003')))).rejects.toThrow(
      DatabaseRefused,
    )
    await expect(withRetries({ deadlineMs: 0 }, () => Promise.reject(busy))).rejects.toThrow(StoreUnavailable)
  })
})
