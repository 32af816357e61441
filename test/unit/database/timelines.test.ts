import { describe, expect, test } from 'vitest'
import {
  compareTimelines,
  createTimelines,
  toPast,
  type Promotion,
  type TimelineOptions,
} from '../../../src/database/failover/timelines.js'

test.for([
  [undefined, 3, 'first'],
  [3, 3, 'same'],
  [3, 4, 'promoted'],
  [3, 5, 'promoted'],
  [3, 2, 'past'],
] as const)('where the newest timeline is %s, %s means: %s', ([newest, timeline, meaning]) => {
  expect(compareTimelines(newest, timeline)).toBe(meaning)
})

test('a timeline is read as the server writes it, in hexadecimal digits', () => {
  expect(toPast({ timeline: '0000001F', systemIdentifier: '7' })).toEqual({ timeline: 31, systemIdentifier: '7' })
  expect(toPast({ timeline: null, systemIdentifier: '7' })).toEqual({ timeline: null, systemIdentifier: '7' })
})

describe('connections', () => {
  const watch = (options: TimelineOptions = {}) => {
    const promotions: Promotion[] = []
    const cut: string[] = []
    const timelines = createTimelines({ ...options, onPromotion: (promotion) => promotions.push(promotion) })
    const admit = (name: string, timeline: number | null, systemIdentifier: string | null = 'a') => {
      let end = (): void => undefined
      const connection = { cut: () => cut.push(name), once: (_: 'end', listener: () => void) => (end = listener) }
      timelines.admit(connection, { timeline, systemIdentifier })
      return { end: () => end() }
    }
    return { promotions, cut, timelines, admit }
  }

  test('to the server before a promotion are cut, once it is known, and not made again', () => {
    const { promotions, cut, timelines, admit } = watch()
    admit('one', 3)
    admit('two', 3)
    admit('three', 4)
    expect(cut).toEqual(['one', 'two'])
    expect(promotions).toEqual([{ from: 3, to: 4 }])
    expect(() => admit('four', 3)).toThrow('it is on timeline 3, but the primary is on timeline 4')
    expect(timelines.newest).toBe(4)
  })

  test('that have ended are not cut', () => {
    const { cut, admit } = watch()
    admit('one', 3).end()
    admit('two', 4)
    expect(cut).toEqual([])
  })

  test('to another system, or to a server that does not tell, mean nothing', () => {
    const { promotions, cut, admit } = watch()
    admit('upgraded from', 9)
    admit('upgraded', 1, 'b')
    admit('standby', null)
    admit('unknown', null, null)
    expect([promotions, cut]).toEqual([[], []])
  })

  test('to another system are refused, where a run must not go on in another database', () => {
    const { admit } = watch({ isOneSystem: true })
    admit('one', 3)
    expect(() => admit('two', 3, 'b')).toThrow('it is another database system than the one on which this run began')
    admit('three', 3)
  })
})
