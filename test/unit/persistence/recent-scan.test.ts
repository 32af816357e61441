import { describe, expect, test } from 'vitest'
import {
  firstSearch,
  nextScan,
  nextSearch,
  type BackwardScan,
  type Search,
} from '../../../src/persistence/recent/scan.js'

const messages = (rows: number): BackwardScan => ({ by: 'message', rows })
const hours = (clients: number, guests = clients): BackwardScan => ({ by: 'hour', clients, guests })

const rowsOf = (scan: BackwardScan): number => (scan.by === 'message' ? scan.rows : scan.clients)

describe('the scan after one that found too few chats', () => {
  test.for([
    ['almost enough: twice as many messages', messages(512), 300, 50, messages(1_024)],
    ['a third: what the yield says, and half of it again', messages(512), 300, 17, messages(4_096)],
    ['a third, of few pairs: the same', messages(512), 20, 17, messages(4_096)],
    ['too few to tell: eight times as many', messages(512), 300, 1, messages(4_096)],
    ['none, of many pairs: eight times as many', messages(512), 65, 0, messages(4_096)],
    ['few of many pairs again: as many as are read at most', messages(4_096), 1_500, 2, messages(16_384)],
    ['a flood of few pairs: hours', messages(512), 64, 0, hours(128)],
    ['a flood of one: hours', messages(512), 1, 1, hours(128)],
    ['messages of nobody: hours', messages(512), 0, 0, hours(128)],
    ['almost enough of the most messages: hours', messages(16_384), 9_000, 50, hours(128)],
    ['almost enough hours: twice as many', hours(512), 300, 50, hours(1_024)],
    ['few chats in the hours: four times as many', hours(512), 300, 3, hours(2_048)],
    ['none in the hours: four times as many', hours(2_048), 1, 0, hours(8_192)],
    ['hours without limit', hours(1_048_576), 1, 0, hours(4_194_304)],
  ] as const)('%s', ([, scan, pairs, found, expected]) => {
    const half = { pairs: pairs / 2, found: found / 2 }
    const all = { pairs, found }
    const progress =
      scan.by === 'message' ? { clientsYield: half, guestsYield: half } : { clientsYield: all, guestsYield: all }
    expect(nextScan(scan, progress, 51)).toEqual(expected)
  })

  test('reads more hours only of the kind of chats that was incomplete', () => {
    const incomplete = { pairs: 300, found: 3 }
    expect(nextScan(hours(512), { clientsYield: incomplete, guestsYield: null }, 51)).toEqual(hours(2_048, 512))
    expect(nextScan(hours(512), { clientsYield: null, guestsYield: incomplete }, 51)).toEqual(hours(512, 2_048))
  })

  test('ends: each reads more than the last, and messages give way to hours', () => {
    for (const pairs of [0, 1, 300, 100_000]) {
      for (const found of [0, 1, 10, 50]) {
        let scan = messages(512)
        for (let step = 0; step < 20; step += 1) {
          const next = nextScan(scan, { clientsYield: { pairs, found }, guestsYield: null }, 51)
          if (next.by === scan.by) expect(rowsOf(next)).toBeGreaterThan(rowsOf(scan))
          else expect([scan.by, next.by]).toEqual(['message', 'hour'])
          scan = next
        }
        expect(scan.by).toBe('hour')
      }
    }
  })
})

describe('a search for chats with unread messages', () => {
  const chats = (most: number) => ({ by: 'unread', chats: most })

  /** The scans that it tries, of which each backwards one meets so many chats and finds so few. */
  const tries = (pairs: number, found: number, most: number): readonly unknown[] => {
    const scans: unknown[] = []
    let search: Search = firstSearch(true)
    for (let step = 0; step < most; step += 1) {
      scans.push(search.scan)
      search = nextSearch(search, { clientsYield: { pairs, found }, guestsYield: null }, 51)
    }
    return scans
  }

  test('begins with all of them, and reads backwards where they are many', () => {
    expect(tries(3_000, 20, 4)).toEqual([chats(256), messages(512), messages(2_048), messages(8_192)])
  })

  test('looks for ever more of them where they are seldom, at no more cost than reading on', () => {
    expect(tries(3_000, 0, 10)).toEqual([
      ...[chats(256), messages(512), chats(1_024), messages(4_096), messages(16_384)],
      ...[hours(128), hours(512, 128), chats(4_096), hours(2_048, 128), chats(16_384)],
    ])
  })

  test('is of no concern to the list of all chats', () => {
    expect(firstSearch(false)).toEqual({ scan: messages(512) })
    const progress = { clientsYield: { pairs: 300, found: 0 }, guestsYield: null }
    expect(nextSearch(firstSearch(false), progress, 51)).toEqual({ scan: messages(4_096) })
  })
})
