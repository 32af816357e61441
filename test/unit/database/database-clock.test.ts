import { describe, expect, test, vi } from 'vitest'
import { createDatabaseClock } from '../../../src/database/clock/database-clock.js'

describe('the database’s clock', () => {
  test.each([
    ['is taken for ours while its answers allow that', 1_000, 995, 1_005, 0],
    ['is taken for ours after an answer that took long', 1_000, 0, 4_000, 0],
    ['is ahead by what an answer shows at least', 61_000, 1_000, 1_010, 59_990],
    ['is behind by what an answer shows at least', 1_000, 61_000, 61_010, -60_000],
  ])('%s', (_what, instant, askedAt, answeredAt, offsetMs) => {
    vi.useFakeTimers({ now: 100_000 })
    const clock = createDatabaseClock()
    clock.note(new Date(instant), askedAt, answeredAt)
    expect(+clock.now()).toBe(100_000 + offsetMs)
    vi.useRealTimers()
  })
})
