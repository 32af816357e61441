import { describe, expect, test } from 'vitest'
import { nextScan, type Scan } from '../../../src/persistence/recent/scan.js'

const messages = (rows: number): Scan => ({ by: 'message', rows })
const hours = (clients: number, guests = clients): Scan => ({ by: 'hour', clients, guests })

const rowsOf = (scan: Scan): number => (scan.by === 'message' ? scan.rows : scan.clients)

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
