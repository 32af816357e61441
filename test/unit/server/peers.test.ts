import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createFragmentJoiner, toFragments } from '../../../src/server/cluster/fragments.js'
import { participantKey, type Participant } from '../../../src/protocol/participants.js'
import { createPeers, type ConnectedPeers } from '../../../src/server/cluster/peers.js'
import { createSealedChannel, type SealedChannelParts } from '../../../src/server/cluster/sealed-channel.js'
import { createSeal } from '../../../src/server/cluster/sealed-text.js'

const lucia: Participant = { role: 'operator', operatorId: 1, name: 'Lucía' }
const ana: Participant = { role: 'client', conversation: 'guest-1', username: 'ana', phone: null }

interface Neighbourhood {
  readonly peers: ConnectedPeers
  readonly published: readonly string[]
  readonly events: readonly string[]
  here: readonly Participant[]
  isConnected: boolean
}

const neighbourhood = (): Neighbourhood => {
  const published: string[] = []
  const events: string[] = []
  const nameOf = (one: Participant): string => (one.role === 'client' ? one.username : one.name)
  const state = { published, events, here: [] as readonly Participant[], isConnected: true }
  const peers = createPeers({
    self: 'self',
    publish: ({ kind }) => published.push(kind),
    isConnected: () => state.isConnected,
    isHere: (one) => state.here.map(participantKey).includes(participantKey(one)),
    participantsHere: () => state.here,
    onArrival: (one) => events.push(`+${nameOf(one)}`),
    onDeparture: (one) => events.push(`-${nameOf(one)}`),
  })
  return Object.assign(state, { peers })
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('the other servers', () => {
  test('a participant arrives once and leaves once, however many servers have it', () => {
    const { peers, events } = neighbourhood()
    peers.receive({ kind: 'entered', server: 'b', participant: lucia })
    peers.receive({ kind: 'entered', server: 'c', participant: lucia })
    peers.receive({ kind: 'left', server: 'b', participant: lucia })
    expect(events).toEqual(['+Lucía'])
    peers.receive({ kind: 'bye', server: 'c' })
    expect(events).toEqual(['+Lucía', '-Lucía'])
    expect(peers.all()).toEqual([])
  })

  test('who is here already does not arrive, and does not leave with the other server', () => {
    const one = neighbourhood()
    one.here = [ana]
    one.peers.receive({ kind: 'list', server: 'b', participants: [ana, lucia] })
    one.peers.receive({ kind: 'list', server: 'b', participants: [] })
    expect(one.events).toEqual(['+Lucía', '-Lucía'])
  })

  test('keeps all participants after this process itself was suspended', () => {
    const { peers, events } = neighbourhood()
    peers.receive({ kind: 'list', server: 'b', participants: [lucia] })
    vi.setSystemTime(Date.now() + 60_000)
    vi.advanceTimersByTime(2_000)
    expect(events).toEqual(['+Lucía'])
    vi.advanceTimersByTime(10_000)
    expect(events).toEqual(['+Lucía', '-Lucía'])
  })

  test('a server that was killed is gone after seven seconds, and asked for its list when it speaks again', () => {
    const { peers, events, published } = neighbourhood()
    peers.receive({ kind: 'list', server: 'b', participants: [lucia] })
    peers.receive({ kind: 'list', server: 'c', participants: [ana] })
    for (const _ of [1, 2, 3, 4, 5]) {
      vi.advanceTimersByTime(2_000)
      peers.receive({ kind: 'alive', server: 'c' })
    }
    expect(events).toEqual(['+Lucía', '+ana', '-Lucía'])
    expect(peers.all()).toEqual([ana])
    expect(published).not.toContain('hello')
    peers.receive({ kind: 'alive', server: 'b' })
    expect(published.at(-1)).toBe('hello')
  })

  test('keeps all participants while this server is disconnected from the others', () => {
    const one = neighbourhood()
    one.peers.receive({ kind: 'list', server: 'b', participants: [lucia] })
    one.isConnected = false
    vi.advanceTimersByTime(60_000)
    one.isConnected = true
    vi.advanceTimersByTime(4_000)
    expect(one.events).toEqual(['+Lucía'])
  })

  test('news of a kind that is not known changes nothing', () => {
    const { peers, events } = neighbourhood()
    for (const news of [null, 'x', {}, { kind: 'moved', server: 'b' }, { kind: 'entered', server: 'b' }])
      peers.receive(news)
    expect(events).toEqual([])
  })
})

describe('what goes between servers', () => {
  const long = 'x'.repeat(20_000)
  const [B, C, OWN] = [11, 12, 13]
  const from = (process: number, payloads: readonly string[]) => payloads.map((payload) => [payload, process] as const)

  test('a long text comes together again, between those of others; one that lacks its beginning does not', () => {
    const join = createFragmentJoiner('self')
    const [first = '', ...rest] = toFragments('b', long)
    expect(first.length).toBeLessThan(8_000)
    const heard = [
      ...from(B, [...rest, 'nonsense']),
      ...from(OWN, toFragments('self', 'own')),
      ...from(B, [first]),
      ...from(C, toFragments('c', '')),
      ...from(B, rest),
    ]
    expect(heard.map(([payload, process]) => join(payload, process)).filter((joined) => joined !== undefined)).toEqual([
      { sender: 'c', text: '' },
      { sender: 'b', text: long },
    ])
  })

  test('a session that uses the name of another server does not spoil what that one has begun', () => {
    const join = createFragmentJoiner('self')
    const [first = '', ...rest] = toFragments('b', long)
    join(first, B)
    for (const payload of ['b 0 3 y', 'b 1 3 y', 'b 2 9 y']) expect(join(payload, C)).toBeUndefined()
    expect(rest.map((payload) => join(payload, B)).at(-1)).toEqual({ sender: 'b', text: long })
  })

  test('texts without an end are given up: the oldest when there are too many, all after ten seconds', () => {
    let time = 0
    const join = createFragmentJoiner('self', () => time)
    const [first = '', ...rest] = toFragments('b', long)
    const end = () => rest.map((payload) => join(payload, B)).at(-1)
    const flood = (sessions: number): void => {
      const fragments = toFragments('c', 'y'.repeat(7_900 * 1_000)).slice(0, -1)
      for (let session = 100; session < 100 + sessions; session += 1) {
        for (const payload of fragments) join(payload, session)
      }
    }
    join(first, B)
    flood(8)
    expect(end()).toEqual({ sender: 'b', text: long })
    join(first, B)
    flood(9)
    expect(end()).toBeUndefined()
    join(first, B)
    time += 10_001
    join('c 0 2 y', C)
    expect(end()).toBeUndefined()
  })

  test('opens a sealed text with the same secret only, unchanged', () => {
    const sealed = createSeal('secret', 'test').close('¿Hola? 😀')
    expect(createSeal('secret', 'test').open(sealed)).toBe('¿Hola? 😀')
    const changed = Buffer.from(sealed, 'base64').map((byte, index) => (index === 30 ? byte ^ 1 : byte))
    expect(createSeal('secret', 'test').open(Buffer.from(changed).toString('base64'))).toBeUndefined()
    expect(createSeal('other', 'test').open(sealed)).toBeUndefined()
    expect(createSeal('secret', 'another').open(sealed)).toBeUndefined()
    expect(createSeal('secret', 'test').open('')).toBeUndefined()
  })

  describe('a text', () => {
    const channelOf = (self: string, now: () => number, changes: Partial<SealedChannelParts> = {}) =>
      createSealedChannel({ operatorSecret: 'secret', purpose: ['crm', 'public'], self, now, ...changes })

    test('is opened once, in the order of its sender, and never by its sender', () => {
      const [a, b] = [channelOf('a', () => 0), channelOf('b', () => 0)]
      const [first, second] = [a.close('one'), a.close('two')]
      expect(a.open(first)).toBe('own')
      expect([first, second, first, second].map((sealed) => b.open(sealed))).toEqual([
        { text: 'one' },
        { text: 'two' },
        'old',
        'old',
      ])
      const late = channelOf('c', () => 0)
      expect([second, first].map((sealed) => late.open(sealed))).toEqual([{ text: 'two' }, 'old'])
    })

    test.for([
      [59_000, { text: 'one' }],
      [61_000, 'old'],
      [-61_000, 'old'],
    ] as const)('that was sent %i ms ago', ([age, opened]) => {
      const sealed = channelOf('a', () => 1_000_000).close('one')
      expect(channelOf('b', () => 1_000_000 + age).open(sealed)).toEqual(opened)
    })

    test('stays seen while it could be sent again, and its sender is forgotten afterwards', () => {
      let time = 1_000_000
      const [a, b, other] = [channelOf('a', () => time), channelOf('b', () => time), channelOf('c', () => time)]
      const sealed = a.close('one')
      b.open(sealed)
      for (let step = 0; step < 30; step += 1) {
        time += 10_000
        expect(b.open(other.close('tick'))).toEqual({ text: 'tick' })
        expect(b.open(sealed)).toBe('old')
      }
    })

    test.for<Partial<SealedChannelParts>>([
      { operatorSecret: 'other' },
      { purpose: ['crm2', 'public'] },
      { purpose: ['crm', 'other'] },
    ])('is strange to a server with %j', (changes) => {
      const sealed = channelOf('a', () => 0).close('one')
      expect(channelOf('b', () => 0, changes).open(sealed)).toBe('strange')
    })
  })
})
