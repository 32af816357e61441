import { describe, expect, test } from 'vitest'
import {
  between,
  delivered,
  extended,
  formatLiveCursor,
  isFull,
  parseLiveCursor,
  settled,
  type Direction,
  type LiveCursor,
} from '../../../src/persistence/live/live-cursor.js'
import { gapsIn } from '../../../src/persistence/live/ranges.js'
import type { OpenTransaction } from '../../../src/persistence/polling/open-transactions.js'
import { createRandom, type Random } from '../../bench/random.js'

/** A server as a subscription sees it: transactions take ids, and commit or roll back in any order. It may crash. */
class Server {
  readonly committed = new Set<number>()
  position: number
  readonly #open = new Map<string, number[]>()
  #transactions = 0
  #isEnded = false

  constructor(
    private readonly random: Random,
    private readonly direction: Direction,
  ) {
    this.position = direction === 1 ? -20 : 20
  }

  step(): void {
    const what = this.random()
    const ids = [...this.#open.keys()]
    const id = ids[Math.floor(this.random() * ids.length)]
    if (what < 0.3 || id === undefined) this.#open.set(`${++this.#transactions % 7}/${this.#transactions}`, [])
    else if (what < 0.7) this.#open.get(id)?.push((this.position += this.direction))
    else if (what < 0.98) this.#end(id, what < 0.9)
    else this.#crash()
  }

  #end(id: string, commits: boolean): void {
    if (commits) for (const message of this.#open.get(id) ?? []) this.committed.add(message)
    this.#open.delete(id)
  }

  /** What the sequence gave out after the last commit is given out again. */
  #crash(): void {
    this.#open.clear()
    this.position = this.#last()
  }

  #last(): number {
    const ids = [...this.committed]
    return this.direction === 1 ? Math.max(-20, ...ids) : Math.min(20, ...ids)
  }

  /** Nothing happens any more. */
  end(): void {
    for (const id of [...this.#open.keys()]) this.#end(id, true)
    this.#isEnded = true
  }

  /** One statement: more happens between its snapshot and its look at the transactions. */
  read(text: string, limit: number): { readonly page: readonly number[]; readonly next: LiveCursor } {
    const cursor = parseLiveCursor(text)
    const snapshot = [...this.committed].sort((a, b) => this.direction * (a - b))
    while (!this.#isEnded && this.random() < 0.5) this.step()
    const open = Array.from(this.#open.keys(), (id): OpenTransaction => ({ id, writes: true, isPrepared: false }))
    const ranges = [...cursor.missing, ...(isFull(cursor) ? [] : [between(cursor.last, this.position, this.direction)])]
    const rows = snapshot.filter((id) => ranges.some(([first, last]) => first <= id && id <= last))
    const page = rows.slice(0, limit)
    const read = page.reduce(delivered, extended(cursor, page, open, this.direction))
    return { page, next: rows.length > page.length ? read : settled(read, cursor, this.direction) }
  }
}

describe.for([1, -1] as const)('where ids are counted by %i', (direction) => {
  test('delivers each message once, in whatever order transactions commit, roll back or crash', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = createRandom(seed)
      const server = new Server(random, direction)
      const seen: number[] = []
      let cursor = formatLiveCursor({ last: server.position, missing: [] })
      const read = (): number => {
        const { page, next } = server.read(cursor, 1 + Math.floor(random() * 10))
        seen.push(...page)
        cursor = formatLiveCursor(next)
        return page.length
      }
      for (let n = 0; n < 400; n += 1) {
        server.step()
        if (random() < 0.3) read()
      }
      server.end()
      for (let idle = 0; idle < 4;) idle = read() > 0 ? 0 : idle + 1
      expect([seen.length, new Set(seen)], `seed ${seed}`).toEqual([server.committed.size, server.committed])
      // What was rolled back is forgotten.
      expect(parseLiveCursor(cursor).missing, `seed ${seed}`).toEqual([])
    }
  })
})

test('finds the gaps between ids', () => {
  expect(gapsIn([-2, 6], [5, -1, 0])).toEqual([
    [-2, -2],
    [1, 4],
    [6, 6],
  ])
  expect(gapsIn([1, 2], [2, 1])).toEqual([])
})

test('a cursor comes back from its text, and any change to it is noticed', () => {
  const cursor: LiveCursor = {
    last: -5,
    missing: [
      [-30, -20],
      [-8, -8],
    ],
    ended: -40n,
    watch: { since: -10n, open: ['3/17', '4/99'] },
  }
  const text = formatLiveCursor(cursor)
  expect(parseLiveCursor(text)).toEqual(cursor)
  expect(encodeURIComponent(text)).toBe(text)
  for (const wrong of ['', 'live1', `${text}~`, text.replace('live1', 'live2'), text.toUpperCase(), '1_2', `${text}_`])
    expect(() => parseLiveCursor(wrong), wrong).toThrow('is not a cursor')
})
