import { describe, expect, test } from 'vitest'
import { OperatorError } from '../../../src/errors.js'
import { limitsFrom } from '../../../src/server/protection/limits.js'
import { createQuotas, type Quota, type WaitsFor } from '../../../src/server/protection/quota.js'

const limits = limitsFrom({
  eventsPerSecond: 0,
  maxPendingPerSocket: 2,
  maxPendingCharacters: 10,
  maxHeldPerSocket: 2,
  maxHeldCharacters: 10,
})

/** A step of one of two sockets: it enters, loads or holds so many characters, or leaves or is released with so many. */
type Step = readonly ['a' | 'b', 'enter'] | readonly ['a' | 'b', 'load' | 'leave' | 'hold' | 'release', number]

const outcomeOf = (work: () => void): string => {
  try {
    work()
    return 'ok'
  } catch (error) {
    return error instanceof OperatorError ? error.message : String(error)
  }
}

const run = (steps: readonly Step[]): readonly string[] => {
  const createQuota = createQuotas(limits, () => undefined)
  const quotas: Readonly<Record<'a' | 'b', Quota>> = { a: createQuota(), b: createQuota() }
  return steps.map(([socket, step, characters = 0]) =>
    outcomeOf(() => {
      if (step === 'enter') quotas[socket].enter('history', 'rate')
      else if (step === 'hold') quotas[socket].hold('history', characters, 'join')
      else quotas[socket][step]('history', characters)
    }),
  )
}

const OF_SOCKET = expect.stringContaining('this connection') as string
const OF_SERVER = expect.stringContaining('this server') as string

describe('the quota of a socket', () => {
  test.each<[string, readonly (readonly [Step, string])[]]>([
    [
      'bounds its own requests, not those of others',
      [
        [['a', 'enter'], 'ok'],
        [['a', 'enter'], 'ok'],
        [['a', 'enter'], OF_SOCKET],
        [['b', 'enter'], 'ok'],
      ],
    ],
    [
      'has room again after an answer',
      [
        [['a', 'enter'], 'ok'],
        [['a', 'enter'], 'ok'],
        [['a', 'leave', 0], 'ok'],
        [['a', 'enter'], 'ok'],
        [['a', 'enter'], OF_SOCKET],
      ],
    ],
    [
      'shares the room for characters with all others',
      [
        [['a', 'load', 6], 'ok'],
        [['b', 'load', 4], 'ok'],
        [['b', 'load', 1], OF_SERVER],
        [['a', 'leave', 6], 'ok'],
        [['b', 'load', 6], 'ok'],
      ],
    ],
    [
      'takes a request of any size when no other waits',
      [
        [['a', 'load', 11], 'ok'],
        [['b', 'load', 1], OF_SERVER],
        [['a', 'leave', 11], 'ok'],
        [['b', 'load', 11], 'ok'],
      ],
    ],
    [
      'bounds what waits for a join apart from the rest',
      [
        [['a', 'load', 10], 'ok'],
        [['a', 'hold', 11], 'ok'],
        [['b', 'hold', 1], OF_SERVER],
        [['a', 'hold', 0], OF_SERVER],
        [['a', 'release', 11], 'ok'],
        [['a', 'hold', 1], 'ok'],
        [['a', 'hold', 1], 'ok'],
        [['a', 'hold', 1], OF_SOCKET],
        [['b', 'hold', 8], 'ok'],
        [['b', 'hold', 1], OF_SERVER],
      ],
    ],
  ])('%s', (_what, steps) => {
    expect(run(steps.map(([step]) => step))).toEqual(steps.map(([, outcome]) => outcome))
  })

  test('has a rate for joins, for typing, for unknown events, and for all others', () => {
    const quota = createQuotas(limitsFrom({ eventsPerSecond: 1 }), () => undefined)()
    const kinds = [['clientMessage', 'history', 'endChat', 'markRead'], ['join'], ['clientTyping'], ['unknown']]
    const passed = kinds.map((events) =>
      Array.from({ length: 4 }, (_, n) => quota.takes(events[n % events.length] ?? '')),
    )
    const [yes, no] = [true, false]
    expect(passed).toEqual(kinds.map(() => [yes, yes, yes, no]))
    expect(quota.waitMs('clientMessage')).toBeGreaterThan(0)
  })

  test('refuses requests unread after too many of their kind that were refused', () => {
    const quota = createQuotas(limitsFrom({ eventsPerSecond: 1 }), () => undefined)()
    const codeOf = (event: string, waitsFor: WaitsFor = 'rate'): string => {
      try {
        quota.enter(event, waitsFor)
        return 'ok'
      } catch (error) {
        return (error as OperatorError).code
      }
    }
    const codes = Array.from({ length: 4 }, () => {
      const code = codeOf('clientMessage')
      quota.mistaken('clientMessage')
      return code
    })
    expect([...codes, codeOf('join'), codeOf('unknown'), codeOf('clientTyping'), codeOf('history')]).toEqual([
      ...['ok', 'ok', 'ok', 'rate_limited'],
      ...['ok', 'ok', 'ok', 'rate_limited'],
    ])
    expect(codeOf('history', 'join')).toBe('not_joined')
  })

  test.each(['join', 'clientTyping'])('has room for %s, whatever waits', (event) => {
    const quota = createQuotas(limits, () => undefined)()
    for (const _ of [1, 2]) {
      quota.enter('history', 'join')
      quota.load('history', 5)
      quota.hold('history', 5, 'join')
    }
    const small = (): void => {
      quota.enter(event, 'join')
      quota.load(event, 300)
      quota.hold(event, 300, 'join')
    }
    expect(small).not.toThrow()
    expect(() => quota.load(event, 20_000)).toThrow(expect.objectContaining({ code: 'too_many_pending' }))
  })

  test('refuses what is beyond the rate and finds no room to wait as rate_limited', () => {
    const quota = createQuotas(limitsFrom({ maxHeldPerSocket: 1 }), () => undefined)()
    quota.hold('history', 1, 'rate')
    expect(() => quota.hold('history', 1, 'rate')).toThrow(
      expect.objectContaining({ code: 'rate_limited', retryable: true }),
    )
  })
})
