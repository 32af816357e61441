import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createBroadcastHold, createRepetitions } from '../../../src/server/cluster/broadcast-hold.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const createHold = () => {
  const sent: string[] = []
  const lost = new Map<string, () => void>()
  const hold = createBroadcastHold({
    maxBytes: 10,
    send: (text, onLost) => {
      sent.push(text)
      lost.set(text, onLost)
    },
  })
  let number = 0
  const say = (text: string): void => {
    number += 1
    hold.send({ number, text })
  }
  return { hold, sent, say, lose: (text: string) => lost.get(text)?.() }
}

test('what comes during an outage is sent in order once the others are connected', () => {
  const { hold, sent, say } = createHold()
  say('1')
  hold.begin()
  say('2')
  hold.awaitOthers()
  say('3')
  expect(sent).toEqual(['1'])
  hold.end()
  say('4')
  // What was sent within a second before the outage may not have been read by the others, and is sent again.
  expect(sent).toEqual(['1', '1', '2', '3', '4'])
})

test('what was on its way when the connection ended goes first, whatever the order in which that is noticed', () => {
  const { hold, sent, say, lose } = createHold()
  for (const text of ['1', '2']) say(text)
  vi.advanceTimersByTime(1_001)
  hold.begin()
  say('3')
  lose('2')
  lose('1')
  hold.awaitOthers()
  hold.end()
  expect(sent).toEqual(['1', '2', '1', '2', '3'])
})

test('waits five seconds for the others, and not at all after a second outage began', () => {
  const { hold, sent, say } = createHold()
  hold.begin()
  say('1')
  hold.awaitOthers()
  vi.advanceTimersByTime(4_000)
  hold.begin()
  vi.advanceTimersByTime(4_000)
  expect(sent).toEqual([])
  hold.awaitOthers()
  vi.advanceTimersByTime(5_000)
  expect(sent).toEqual(['1'])
})

test('gives up the oldest beyond its size, and what is older than a minute', () => {
  const { hold, sent, say } = createHold()
  hold.begin()
  for (const text of ['aaaa', 'bbbb', 'cccc']) say(text)
  expect(hold.awaitOthers()).toBe(1)
  hold.begin()
  vi.advanceTimersByTime(61_000)
  say('d')
  expect(hold.awaitOthers()).toBe(2)
  hold.end()
  expect(sent).toEqual(['d'])
})

test('a broadcast that comes again is told from a new one, by its sender', () => {
  const isRepeated = createRepetitions()
  const arrivals: readonly (readonly [string, number])[] = [
    ['a', 1],
    ['b', 1],
    ['a', 3],
    ['a', 1],
    ['a', 3],
    ['a', 4],
  ]
  expect(arrivals.map(([sender, number]) => isRepeated(sender, number))).toEqual([
    false,
    false,
    false,
    true,
    true,
    false,
  ])
})
