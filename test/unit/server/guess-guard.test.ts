import { afterEach, expect, test, vi } from 'vitest'
import { SILENT_LOG } from '../../../src/chat-log.js'
import { createGuessGuard } from '../../../src/server/protection/guess-guard.js'

afterEach(() => {
  vi.useRealTimers()
})

test('waits double from the fifth wrong secret to a minute, and end', () => {
  let at = 0
  const guard = createGuessGuard(SILENT_LOG, () => at)
  const waits = Array.from({ length: 13 }, () => {
    guard.refused('a', 'wrong')
    return guard.waitMs('a')
  })
  expect(waits).toEqual([0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  guard.refused('a', 'early')
  at += 60_000
  expect(guard.waitMs('a')).toBe(0)
})

test('with many wrong secrets in all, one costs its address a minute, and none costs nothing', () => {
  let at = 0
  const guard = createGuessGuard(SILENT_LOG, () => at)
  for (let n = 0; n < 61; n++) guard.refused(`address ${n}`, 'wrong')
  expect(guard.waitMs('address 3')).toBe(60_000)
  expect(guard.waitMs('another')).toBe(0)
  at += 60_001
  expect(guard.waitMs('address 3')).toBe(0)
})

test('logs the first refusal at once, the others when it is closed, and leaves no timer', () => {
  vi.useFakeTimers()
  const lines: unknown[] = []
  const guard = createGuessGuard({ ...SILENT_LOG, warn: ({ count, addresses }) => lines.push([count, addresses]) })
  for (const address of ['a', 'b', 'c', 'b']) guard.refused(address, 'wrong')
  expect(lines).toEqual([[1, 'a']])
  guard.close()
  expect(lines).toEqual([
    [1, 'a'],
    [3, 'b c'],
  ])
  expect(vi.getTimerCount()).toBe(0)
})
