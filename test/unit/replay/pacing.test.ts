import { describe, expect, test } from 'vitest'
import { createPacer, parseSpeed } from '../../../src/replay/sending/pacing.js'

const at = new Date('2026-04-01T09:00:00Z')

describe('the pace of a replay', () => {
  const paced = async (speed: string, maxGapMs = Infinity, stallMs = 0): Promise<readonly number[]> => {
    let now = 1_000
    const clock = { nowMs: () => now, waitUntil: (ms: number) => Promise.resolve(void (now = ms)) }
    const pacer = createPacer(parseSpeed(speed, maxGapMs) ?? { kind: 'max' }, clock)
    const times: number[] = []
    for (const second of [0, 10, 5, 20, 120]) {
      await pacer.due(new Date(+at + 1_000 * second))
      times.push(now - 1_000)
      now += stallMs
      pacer.handedOver()
    }
    return [...times, pacer.mostBehindMs]
  }

  test.for<[string, number, number, readonly number[]]>([
    ['max', Infinity, 0, [0, 0, 0, 0, 0, 0]],
    ['original', Infinity, 0, [0, 10_000, 10_000, 20_000, 120_000, 0]],
    ['x10', Infinity, 0, [0, 1_000, 1_000, 2_000, 12_000, 0]],
    ['x10', 5_000, 0, [0, 1_000, 1_000, 2_000, 7_000, 0]],
    ['200/s', Infinity, 0, [0, 5, 10, 15, 20, 0]],
    ['200/s', Infinity, 30, [0, 30, 60, 90, 120, 130]],
  ])('%s, gaps up to %d ms, %d ms a message', async ([speed, maxGapMs, stallMs, expected]) => {
    expect(await paced(speed, maxGapMs, stallMs)).toEqual(expected)
  })

  test.for(['', 'x0', '0/s', 'fast', '10', 'x', '-1/s'])('no speed: "%s"', (text) => {
    expect(parseSpeed(text, 0)).toBeUndefined()
  })
})
