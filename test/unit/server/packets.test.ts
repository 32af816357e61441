import { beforeAll, describe, expect, test } from 'vitest'
import { createFragmentJoiner, type Fragment } from '../../../src/server/cluster/fragments.js'
import { createPacketReader, createPacketWriter, MAX_AGE_MS } from '../../../src/server/cluster/packets.js'
import { createSeal, type Seal } from '../../../src/server/cluster/sealed-text.js'

const NOW = Date.UTC(2026, 10, 28)
const LONG = '¿Hola? 😀'.repeat(2_000)

let seal: Seal

beforeAll(async () => {
  seal = await createSeal('secret', ['test', 'crm', 'public'])
})

const strangersOf = (payloads: readonly string[], of = seal) => {
  const strangers: string[] = []
  const read = createPacketReader({ self: 'self', seal: of, maxMessageBytes: 1_048_576 }, (sender) =>
    strangers.push(sender),
  )
  return { texts: payloads.map((payload) => read(payload, NOW)).filter((text) => text !== undefined), strangers }
}

const textsOf = (payloads: readonly string[]): readonly string[] => strangersOf(payloads).texts

describe('what goes between servers', () => {
  test('a long text comes together again, between those of others; one that lacks its beginning does not', () => {
    const [b, c, own] = ['b', 'c', 'self'].map((self) => createPacketWriter({ self, seal }))
    const [lost, ...rest] = b?.(LONG, NOW) ?? []
    const [first = '', ...others] = b?.(LONG, NOW) ?? []
    expect([lost, first].map((payload = '') => payload.length < 8_000)).toEqual([true, true])
    expect(rest.length).toBeGreaterThan(2)
    const payloads = [...rest, 'nonsense', ...(own?.('own', NOW) ?? []), first, ...(c?.('', NOW) ?? []), ...others]
    expect(strangersOf(payloads)).toEqual({ texts: ['', LONG], strangers: [] })
  })

  test('a packet that is shown again, or after a later one, is dropped', () => {
    const write = createPacketWriter({ self: 'b', seal })
    const [one = ''] = write('one', NOW)
    const [two = ''] = write('two', NOW)
    const [three = ''] = write('three', NOW)
    expect(textsOf([one, one, three, two, one, three])).toEqual(['one', 'three'])
  })

  test('a packet whose time is more than a minute from that of the database is dropped', () => {
    const times = [-MAX_AGE_MS - 1, -MAX_AGE_MS, 0, MAX_AGE_MS, MAX_AGE_MS + 1]
    const payloads = times.flatMap((ms, index) => createPacketWriter({ self: `b${index}`, seal })(String(ms), NOW + ms))
    expect(textsOf(payloads)).toEqual(['-60000', '0', '60000'])
  })

  test('a sender that is forgotten cannot be shown again either', () => {
    const read = createPacketReader({ self: 'self', seal, maxMessageBytes: 1_048_576 }, () => undefined)
    const [early = ''] = createPacketWriter({ self: 'b', seal })('early', NOW)
    const [late = ''] = createPacketWriter({ self: 'c', seal })('late', NOW + MAX_AGE_MS + 1)
    expect([read(early, NOW), read(late, NOW + MAX_AGE_MS + 1), read(early, NOW + MAX_AGE_MS + 1)]).toEqual([
      'early',
      'late',
      undefined,
    ])
  })

  test('a packet under the name of another sender is not opened', () => {
    const [payload = ''] = createPacketWriter({ self: 'b', seal })('x', NOW)
    expect(strangersOf([payload.replace('b ', 'c ')])).toEqual({ texts: [], strangers: ['c'] })
  })

  test('no more than 256 senders are remembered at once', () => {
    const payloads = Array.from({ length: 300 }, (_, n) => createPacketWriter({ self: `b${n}`, seal })('x', NOW)).flat()
    expect(textsOf(payloads)).toHaveLength(256)
  })

  test('senders of whom nothing was heard for a minute make room for others', () => {
    const read = createPacketReader({ self: 'self', seal, maxMessageBytes: 1_048_576 }, () => undefined)
    const from = (self: string, nowMs: number) => read(createPacketWriter({ self, seal })('x', nowMs)[0] ?? '', nowMs)
    const first = Array.from({ length: 257 }, (_, n) => from(`b${n}`, NOW)).filter((text) => text !== undefined)
    expect([first.length, from('c', NOW + MAX_AGE_MS), from('d', NOW + MAX_AGE_MS + 1)]).toEqual([256, undefined, 'x'])
  })

  test.each([
    ['secret', 'other', ['test', 'crm', 'public']],
    ['purpose', 'secret', ['another', 'crm', 'public']],
    ['database', 'secret', ['test', 'staging', 'public']],
    ['schema', 'secret', ['test', 'crm', 'shop']],
  ])('what is sealed for one %s does not open for another', async (_, secret, place) => {
    const payloads = createPacketWriter({ self: 'b', seal })('x', NOW)
    expect(strangersOf(payloads, await createSeal(secret, place))).toEqual({ texts: [], strangers: ['b'] })
  })

  test('what was changed is not opened', () => {
    const sealed = seal.close(Buffer.from('x'), 'b')
    const changed = Buffer.from(sealed, 'base64').map((byte, index) => (index === 28 ? byte ^ 1 : byte))
    expect(seal.open(Buffer.from(changed).toString('base64'), 'b')).toBeUndefined()
    expect(seal.open('', 'b')).toBeUndefined()
  })

  // It was 0.02 ms with a plain derivation.
  test('a guess at the secret takes at least 20 ms', async () => {
    const begun = performance.now()
    await createSeal('guess', ['test', 'crm', 'public'])
    expect(performance.now() - begun).toBeGreaterThan(20)
  })
})

describe('texts that have begun', () => {
  const MEBIBYTE = Buffer.alloc(1_048_576, 'x')
  const fragment = (sender: string, index: number, count: number, timeMs = NOW): Fragment => ({
    sender,
    timeMs,
    index,
    count,
    bytes: MEBIBYTE,
  })
  const send = (join: (one: Fragment) => string | undefined, sender: string, count: number): boolean =>
    Array.from({ length: count }, (_, index) => join(fragment(sender, index, count))).at(-1) !== undefined

  test('are at most 16 MiB long', () => {
    const join = createFragmentJoiner(1_048_576)
    expect([send(join, 'b', 16), send(join, 'b', 18)]).toEqual([true, false])
  })

  test('hold at most 64 MiB together', () => {
    const join = createFragmentJoiner(1_048_576)
    for (const sender of ['b', 'c', 'd', 'e'])
      for (let index = 0; index < 15; index += 1) join(fragment(sender, index, 16))
    expect(send(join, 'f', 6)).toBe(false)
    expect(send(join, 'f', 5)).toBe(true)
    expect(join(fragment('b', 15, 16))?.length).toBe(16 * MEBIBYTE.length)
    expect(send(join, 'f', 6)).toBe(true)
  })

  test('are dropped when another packet comes a minute later', () => {
    const join = createFragmentJoiner(1_048_576)
    join(fragment('b', 0, 2))
    join(fragment('c', 0, 2, NOW + 60_001))
    expect(join(fragment('b', 1, 2))).toBeUndefined()
  })
})
