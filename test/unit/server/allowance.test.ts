import { expect, test } from 'vitest'
import { createAllowance } from '../../../src/server/protection/allowance.js'
import { limitsFrom } from '../../../src/server/protection/limits.js'
import { createRareLog } from '../../../src/rare-log.js'
import { createTraffics } from '../../../src/server/protection/traffic.js'
import { SILENT_LOG, type LogFields } from '../../../src/chat-log.js'

const clock = () => {
  let ms = 0
  return { now: () => ms, wait: (more: number) => (ms += more) }
}

test('an allowance comes back in a minute, and never exceeds itself', () => {
  const { now, wait } = clock()
  const allowance = createAllowance(60, now)
  const take = (amount: number): boolean => allowance.take(amount)
  expect([take(60), take(1)]).toEqual([true, false])
  wait(10_000)
  expect([take(10), take(1)]).toEqual([true, false])
  wait(600_000)
  // More than all of it passes when nothing is missing, and is then missing.
  expect([take(90), take(1)]).toEqual([true, false])
  wait(31_000)
  expect([take(1), take(1)]).toEqual([true, false])
  allowance.settle(-20)
  expect([take(20), take(1)]).toEqual([true, false])
})

test('without a limit everything may be taken', () => {
  const allowance = createAllowance(0)
  expect([allowance.take(1e12), allowance.take(1e12)]).toEqual([true, true])
})

test('a name counts once, and an address is forgotten only when its minute is over', () => {
  const { now, wait } = clock()
  const trafficOf = createTraffics(limitsFrom({ maxNewNamesPerMinute: 2 }), () => undefined, now)
  const canWrite = (address: string, name: string): boolean => {
    try {
      trafficOf(address).store(name, 1)
      return true
    } catch {
      return false
    }
  }
  expect(['ana', 'bruno', 'ana', 'carla', 'bruno'].map((name) => canWrite('a', name))).toEqual([
    true,
    true,
    true,
    false,
    true,
  ])
  expect(canWrite('b', 'carla')).toBe(true)
  wait(25_000)
  expect(canWrite('a', 'carla')).toBe(false)
  wait(36_000)
  expect(canWrite('c', 'x')).toBe(true)
  expect(canWrite('a', 'carla')).toBe(true)
})

test('a warning is logged once a minute, with the number of those that were not', () => {
  const { now, wait } = clock()
  const lines: LogFields[] = []
  const warn = createRareLog({ ...SILENT_LOG, warn: (fields) => lines.push(fields) }, now)
  for (let time = 0; time < 5; time += 1) warn({ event: 'refused' }, 'refused')
  warn({ event: 'other' }, 'other')
  wait(60_000)
  warn({ event: 'refused' }, 'refused')
  expect(lines).toEqual([{ event: 'refused' }, { event: 'other' }, { event: 'refused', repeated: 4 }])
})
