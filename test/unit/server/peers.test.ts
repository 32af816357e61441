import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { participantKey, type Participant } from '../../../src/protocol/participants.js'
import { createPeers, NO_PEERS, type ConnectedPeers } from '../../../src/server/cluster/peers.js'

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
    onDeparture: (one, cause) => events.push(`${cause === 'left' ? '-' : 'lost '}${nameOf(one)}`),
    onReunited: () => events.push('reunited'),
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
  test('who is not known may be elsewhere while they cannot be heard, and for ten minutes after one was lost', () => {
    const around = neighbourhood()
    const { peers } = around
    peers.introduce()
    const isSureAfter = (minutes: number): boolean => {
      peers.receive({ kind: 'alive', server: 'b' })
      for (let second = 0; second < minutes * 60; second += 2) {
        vi.advanceTimersByTime(2_000)
        peers.receive({ kind: 'alive', server: 'b' })
      }
      return !peers.mayMiss()
    }
    expect(isSureAfter(9)).toBe(false)
    expect(isSureAfter(1)).toBe(true)
    around.isConnected = false
    expect(peers.mayMiss()).toBe(true)
    around.isConnected = true
    expect(peers.mayMiss()).toBe(false)
    vi.advanceTimersByTime(10_000)
    expect(peers.mayMiss()).toBe(true)
    expect(isSureAfter(10)).toBe(true)
    peers.receive({ kind: 'bye', server: 'b' })
    expect(peers.mayMiss()).toBe(true)
    peers.close()
    expect(NO_PEERS.mayMiss()).toBe(false)
  })

  test('a participant arrives once and leaves once, however many servers have it', () => {
    const { peers, events } = neighbourhood()
    peers.receive({ kind: 'entered', server: 'b', participant: lucia })
    peers.receive({ kind: 'entered', server: 'c', participant: lucia })
    peers.receive({ kind: 'left', server: 'b', participant: lucia })
    expect(events).toEqual(['+Lucía'])
    peers.receive({ kind: 'bye', server: 'c' })
    expect(events).toEqual(['+Lucía', 'lost Lucía'])
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
    expect(events).toEqual(['+Lucía', 'lost Lucía'])
  })

  test('a server that was killed is gone after seven seconds, and asked for its list when it speaks again', () => {
    const { peers, events, published } = neighbourhood()
    peers.receive({ kind: 'list', server: 'b', participants: [lucia] })
    peers.receive({ kind: 'list', server: 'c', participants: [ana] })
    for (const _ of [1, 2, 3, 4, 5]) {
      vi.advanceTimersByTime(2_000)
      peers.receive({ kind: 'alive', server: 'c' })
    }
    expect(events).toEqual(['+Lucía', '+ana', 'lost Lucía'])
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

  test('are reunited after an outage when each that was known was heard since, or is gone', () => {
    const { peers, events } = neighbourhood()
    for (const server of ['b', 'c']) peers.receive({ kind: 'alive', server })
    peers.introduce()
    peers.receive({ kind: 'alive', server: 'b' })
    expect(events).toEqual([])
    peers.receive({ kind: 'bye', server: 'c' })
    peers.receive({ kind: 'alive', server: 'b' })
    expect(events).toEqual(['reunited'])
  })

  test('news of a kind that is not known changes nothing', () => {
    const { peers, events } = neighbourhood()
    for (const news of [null, 'x', {}, { kind: 'moved', server: 'b' }, { kind: 'entered', server: 'b' }])
      peers.receive(news)
    expect(events).toEqual([])
  })
})
