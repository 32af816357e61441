import { describe, expect, test } from 'vitest'
import { firstMode, next, reasonOf, type SinkEvent, type SinkMode } from '../../../src/server/keeping/sink-mode.js'

const direct: SinkMode = { kind: 'direct' }
const draining: SinkMode = { kind: 'draining' }
const queueing = (reason: string): SinkMode => ({ kind: 'queueing', reason })
const unavailable = (code: string): SinkEvent => ({ kind: 'unavailable', code })
const available: SinkEvent = { kind: 'available' }
const drained: SinkEvent = { kind: 'drained' }

describe('the mode of a message sink', () => {
  test.each([
    ['an empty journal', 0, direct],
    ['one message in the journal', 1, draining],
  ])('starts with %s', (_journal, waiting, mode) => {
    expect(firstMode(waiting)).toEqual(mode)
  })

  test.each<[SinkMode, SinkEvent, SinkMode]>([
    [direct, unavailable('database_unavailable'), queueing('database_unavailable')],
    [direct, available, direct],
    [direct, drained, direct],
    [queueing('database_unavailable'), unavailable('schema_not_ready'), queueing('schema_not_ready')],
    [queueing('database_unavailable'), available, draining],
    [queueing('database_unavailable'), drained, direct],
    [draining, unavailable('store_overloaded'), queueing('store_overloaded')],
    [draining, available, draining],
    [draining, drained, direct],
  ])('%o, after %o: %o', (before, event, after) => {
    expect(next(before, event)).toEqual(after)
  })

  test.each([
    ['journal_draining', { kind: 'draining' }],
    ['schema_not_ready', { kind: 'queueing', reason: 'schema_not_ready' }],
  ] as const)('tells the sender %s', (reason, mode) => {
    expect(reasonOf(mode)).toBe(reason)
  })
})
