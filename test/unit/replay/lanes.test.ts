import { describe, expect, test } from 'vitest'
import { createLanes } from '../../../src/replay/sending/lanes.js'

interface Gate {
  readonly passed: Promise<void>
  open(): void
}

const createGate = (): Gate => {
  const { promise, resolve } = withResolvers()
  return { passed: promise, open: resolve }
}

const withResolvers = (): { readonly promise: Promise<void>; readonly resolve: () => void } => {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}

/** Lets everything that is ready to run do so. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const limits = { lanes: 8, perLane: 4, weight: 1_000 }

describe('lanes', () => {
  test('keep the order of one name, and do others beside it', async () => {
    const gate = createGate()
    const done: string[] = []
    const lanes = createLanes<string>(limits, async (item) => {
      if (item === 'slow 1') await gate.passed
      done.push(item)
    })
    for (const item of ['slow 1', 'slow 2', 'fast 1', 'fast 2']) await lanes.push(item.slice(0, 4), item, 1)
    await settled()
    expect(done).toEqual(['fast 1', 'fast 2'])
    gate.open()
    await lanes.settle()
    expect(done).toEqual(['fast 1', 'fast 2', 'slow 1', 'slow 2'])
  })

  test.for<[string, number, number]>([
    ['a full lane', 1, 4],
    ['the weight of what is queued', 400, 2],
  ])('hold up whoever fills them: %s', async ([, weight, room]) => {
    const gate = createGate()
    let accepted = 0
    const lanes = createLanes<number>(limits, () => gate.passed)
    const pushing = (async () => {
      for (let item = 0; item < 10; item += 1) {
        await lanes.push('one', item, weight)
        accepted += 1
      }
    })()
    await settled()
    expect(accepted).toBe(room)
    gate.open()
    await pushing
    await lanes.settle()
    expect(accepted).toBe(10)
  })

  test('take an item that is heavier than their limit when they are empty', async () => {
    const done: number[] = []
    const lanes = createLanes<number>(limits, (item) => Promise.resolve(void done.push(item)))
    await lanes.push('one', 1, 5_000)
    await lanes.push('two', 2, 5_000)
    await lanes.settle()
    expect(done).toEqual([1, 2])
  })

  test('begin nothing more after a failure, which they report', async () => {
    const begun: number[] = []
    const lanes = createLanes<number>(limits, async (item) => {
      begun.push(item)
      await settled()
      throw new Error(`item ${item} failed`)
    })
    await lanes.push('one', 1, 1)
    await lanes.push('one', 2, 1)
    await lanes.settle()
    expect(begun).toEqual([1])
    expect(() => lanes.throwIfFailed()).toThrow('item 1 failed')
    await expect(lanes.push('one', 3, 1)).rejects.toThrow('item 1 failed')
  })

  test('reject those waiting for room when the work has failed', async () => {
    const gate = createGate()
    const lanes = createLanes<number>(limits, async () => {
      await gate.passed
      throw new Error('failed')
    })
    for (let item = 0; item < 4; item += 1) await lanes.push('one', item, 1)
    const waiting = lanes.push('one', 5, 1)
    gate.open()
    await expect(waiting).rejects.toThrow('failed')
  })
})
