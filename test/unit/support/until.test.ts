import { expect, test } from 'vitest'
import { until } from '../../support/until.js'

test('returns what the condition returned first that is not false', async () => {
  const values = [false, false, 0]
  expect(await until(() => values.shift() ?? 'nothing left', { what: 'a number', intervalMs: 1 })).toBe(0)
})

test('takes a condition that throws for one that does not hold yet', async () => {
  let calls = 0
  const condition = () => expect((calls += 1)).toBe(3)
  await until(condition, { what: 'the third call', intervalMs: 1 })
  expect(calls).toBe(3)
})

test('names what it waited for, with the last error as the cause', async () => {
  const cause = new Error('connection refused')
  const waiting = until(() => Promise.reject(cause), { what: 'the server', deadlineMs: 5, intervalMs: 1 })
  await expect(waiting).rejects.toMatchObject({ message: 'the server: not within 5 ms', cause })
})
