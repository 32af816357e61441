import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Guest } from '../../../src/protocol/participants.js'
import { createDepartures } from '../../../src/server/cluster/departures.js'

const guestOf = (username: string): Guest => ({ role: 'client', conversation: username, username, phone: null })
const [ana, bruno] = [guestOf('ana'), guestOf('bruno')]

const start = (graceMs: number) => {
  const announced: string[] = []
  const connected = new Set<Guest>()
  const departures = createDepartures({
    graceMs,
    isConnected: (guest) => connected.has(guest),
    announce: ({ username }) => announced.push(username),
  })
  return { announced, connected, departures }
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('a guest without a socket', () => {
  test('is announced once, after the grace', () => {
    const { announced, departures } = start(5_000)
    departures.left(ana)
    vi.advanceTimersByTime(3_000)
    departures.left(bruno)
    departures.left(ana)
    vi.advanceTimersByTime(4_999)
    expect(announced).toEqual([])
    vi.advanceTimersByTime(60_000)
    expect(announced).toEqual(['bruno', 'ana'])
  })

  test('who is back by then is not', () => {
    const { announced, connected, departures } = start(0)
    departures.left(ana)
    departures.left(bruno)
    connected.add(ana)
    vi.advanceTimersByTime(1)
    expect(announced).toEqual(['bruno'])
  })

  test('has time to reconnect elsewhere when the server is gone, whatever the grace', () => {
    const { announced, departures } = start(0)
    departures.lost(ana)
    vi.advanceTimersByTime(9_999)
    expect(announced).toEqual([])
    vi.advanceTimersByTime(1)
    expect(announced).toEqual(['ana'])
  })

  test('is not announced by a server that stops', () => {
    const { announced, departures } = start(10)
    departures.left(ana)
    departures.close()
    departures.left(bruno)
    vi.advanceTimersByTime(60_000)
    expect(announced).toEqual([])
  })
})
