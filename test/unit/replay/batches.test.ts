import { describe, expect, test } from 'vitest'
import { createBatches } from '../../../src/replay/sending/batches.js'

interface Gate {
  readonly passed: Promise<void>
  readonly open: () => void
}

const createGate = (): Gate => {
  let open = (): void => undefined
  const passed = new Promise<void>((resolve) => (open = resolve))
  return { passed, open }
}

/** Lets everything that is ready to run do so. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const limits = { items: 3, weight: 100 }

/** What the batches of these items, each with its weight, hold. */
const batchesOf = async (items: readonly (readonly [string, number])[]): Promise<readonly string[]> => {
  const batches: string[] = []
  const intake = createBatches<string>(limits, (batch) => Promise.resolve(void batches.push(batch.join(''))))
  for (const [item, weight] of items) await intake.push('any', item, weight)
  await intake.settle()
  intake.throwIfFailed()
  return batches
}

describe('batches', () => {
  test.for<[string, readonly (readonly [string, number])[], readonly string[]]>([
    ['nothing', [], []],
    ['fewer than a batch', [['a', 1]], ['a']],
    ['as many as a batch', [['a', 1], ['b', 1], ['c', 1]], ['abc']],
    ['one more', [['a', 1], ['b', 1], ['c', 1], ['d', 1]], ['abc', 'd']],
    ['just the weight', [['a', 50], ['b', 50], ['c', 1]], ['ab', 'c']],
    ['more than the weight', [['a', 60], ['b', 41], ['c', 1]], ['a', 'bc']],
    ['an item that is heavier than a batch', [['a', 1], ['b', 500], ['c', 1]], ['a', 'b', 'c']],
  ])('keep the order and their limits: %s', async ([, items, expected]) => {
    expect(await batchesOf(items)).toEqual(expected)
  }) // prettier-ignore

  test('are processed one after the other, and block a sender that is one batch ahead', async () => {
    const gates = [createGate(), createGate(), createGate()]
    const begun: string[] = []
    const intake = createBatches<string>(limits, async (batch) => {
      begun.push(batch.join(''))
      await gates[begun.length - 1]?.passed
    })
    let accepted = ''
    const pushing = (async () => {
      for (const item of 'abcdefghi') {
        await intake.push('any', item, 1)
        accepted += item
      }
      await intake.settle()
    })()
    await settled()
    expect([begun, accepted]).toEqual([['abc'], 'abcdef'])
    gates[0]?.open()
    await settled()
    expect([begun, accepted]).toEqual([['abc', 'def'], 'abcdefghi'])
    gates[1]?.open()
    gates[2]?.open()
    await pushing
    expect(begun).toEqual(['abc', 'def', 'ghi'])
  })

  test('begin nothing more after a failure, which they report', async () => {
    const begun: string[] = []
    const intake = createBatches<string>(limits, async (batch) => {
      begun.push(batch.join(''))
      await settled()
      throw new Error(`batch ${begun.length} failed`)
    })
    for (const item of 'abcdef') await intake.push('any', item, 1)
    await expect(intake.push('any', 'g', 1)).rejects.toThrow('batch 1 failed')
    await intake.settle()
    expect(begun).toEqual(['abc'])
    expect(() => intake.throwIfFailed()).toThrow('batch 1 failed')
  })
})
