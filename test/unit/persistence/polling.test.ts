import { describe, expect, test } from 'vitest'
import { advance, MANY_SEEN, MOST_SEEN } from '../../../src/persistence/polling/advance.js'
import { beginPolling } from '../../../src/persistence/polling/begin.js'
import { toCursorInstant, toMicros } from '../../../src/persistence/polling/micros.js'
import type { OpenTransaction } from '../../../src/persistence/polling/open-transactions.js'
import {
  compare,
  endOf,
  formatPollCursor,
  parsePollCursor,
  scanFrom,
  type Place,
  type PollCursor,
} from '../../../src/persistence/polling/poll-cursor.js'
import { createRandom, type Random } from '../../bench/random.js'

const SECOND = 1_000_000n

/** A server as a poll sees it: transactions begin, insert with the time of their beginning, and commit in any order. */
class Server {
  now = toMicros('2026-01-01 00:00:00.000000')
  readonly committed: Place[] = []
  readonly #open = new Map<string, { readonly begunAt: bigint; readonly places: Place[] }>()
  #transactions = 0
  #messages = 0
  #isEnded = false

  /** @param held a transaction that stays open to the end */
  constructor(
    private readonly random: Random,
    private readonly held: string | undefined,
  ) {}

  /** Something happens after up to two minutes: longer than the margin, so that it covers no mistake. */
  step(): void {
    this.now += BigInt(Math.floor(this.random() * 120e6))
    const what = this.random()
    const ids = Array.from(this.#open.keys()).filter((id) => id !== this.held)
    const id = ids[Math.floor(this.random() * ids.length)]
    if (what < 0.3 || id === undefined)
      this.#open.set(`${++this.#transactions % 7}/${this.#transactions}`, { begunAt: this.now, places: [] })
    else if (what < 0.75)
      this.#open.get(id)?.places.push({ at: this.#open.get(id)?.begunAt ?? 0n, id: ++this.#messages })
    else this.commit(id)
  }

  commit(id: string): void {
    this.committed.push(...(this.#open.get(id)?.places ?? []))
    this.#open.delete(id)
  }

  /** Nothing happens any more. */
  end(): void {
    this.#isEnded = true
    for (const id of this.#open.keys()) this.commit(id)
  }

  get messages(): number {
    return this.#messages
  }

  /** A page of one statement: more happens between its snapshot and its look at the transactions. */
  poll(text: string, limit: number): { readonly page: readonly Place[]; readonly next: string } {
    const cursor = parsePollCursor(text)
    const [now, snapshot] = [this.now, [...this.committed]]
    while (!this.#isEnded && this.random() < 0.5) this.step()
    const open = Array.from(this.#open.keys(), (id): OpenTransaction => ({ id, writes: true, isPrepared: false }))
    const from = scanFrom(cursor)
    const known = new Set(cursor.seen.map(({ id }) => id))
    const rows = snapshot.filter((place) => compare(place, from) > 0 && !known.has(place.id)).sort(compare)
    const found = rows.slice(0, limit)
    const { count, next } = advance(cursor, { found, more: rows.length > found.length, now, open })
    return { page: found.slice(0, count), next: formatPollCursor(next) }
  }
}

const pollAll = async (seed: number, steps: number, mostOfPage: number, held?: string): Promise<number> => {
  const random = createRandom(seed)
  const server = new Server(random, held)
  const seen: Place[] = []
  let after = formatPollCursor(await beginPolling([], undefined))
  let most = 0
  const poll = (): number => {
    const { page, next } = server.poll(after, 1 + Math.floor(random() * mostOfPage))
    expect(page).toEqual([...page].sort(compare))
    seen.push(...page)
    most = Math.max(most, parsePollCursor(next).seen.length)
    after = next
    return page.length
  }
  for (let n = 0; n < steps; n += 1) {
    server.step()
    if (random() < 0.3) poll()
  }
  server.end()
  for (let idle = 0; idle < 5;) idle = poll() > 0 ? 0 : idle + 1
  expect([new Set(seen.map(({ id }) => id)).size, seen.length], `seed ${seed}`).toEqual([
    server.messages,
    server.messages,
  ])
  return most
}

describe('polling', () => {
  test('sees each message once, in whatever order transactions begin and commit', async () => {
    for (let seed = 1; seed <= 100; seed += 1) expect(await pollAll(seed, 200, 12)).toBeLessThan(MOST_SEEN)
  })

  test('sees each message once where pages end because the cursor is full', async () => {
    expect(await pollAll(1, 2_500, 200, '1/1')).toBe(MOST_SEEN)
  })
})

const at = (seconds: number): bigint => toMicros('2026-01-01 00:00:00.000000') + BigInt(seconds) * SECOND
const places = (count: number, from = 0): readonly Place[] =>
  Array.from({ length: count }, (_, n) => ({ at: at(from + n), id: n }))
const reading = { found: [], more: false, now: at(10_000), open: [] }

describe('a cursor', () => {
  const cursors: readonly [string, PollCursor][] = [
    ['of an empty chat', { last: endOf(toMicros('0001-01-01 00:00:00.000000')), settled: endOf(0n), seen: [] }],
    [
      'with all that it may hold',
      {
        last: { at: at(9) + 123_456n, id: -7 },
        settled: { at: at(1), id: 3 },
        seen: [
          { at: at(2), id: 5 },
          { at: at(2), id: -5 },
          { at: at(9) + 123_456n, id: -7 },
        ],
        ended: at(8),
        watch: { since: at(9), open: ['3/4294967295', '120/1'] },
      },
    ],
    [
      'that watches nothing',
      { last: { at: -1n, id: 0 }, settled: { at: -1n, id: 0 }, seen: [], watch: { since: 0n, open: [] } },
    ],
  ]
  test.for(cursors)('%s comes back as it was', ([, cursor]) => {
    const text = formatPollCursor(cursor)
    expect(parsePollCursor(text)).toEqual({ ended: undefined, watch: undefined, ...cursor })
    expect(text).toMatch(/^[-\d]+ [:.\d]+_-?\d+~[-~._0-9a-z]*$/)
  })

  test('of an earlier version is a place up to which all is settled', () => {
    const place = { at: at(5), id: 9 }
    expect(parsePollCursor('2026-01-01 00:00:05.000000_9')).toEqual({ last: place, settled: place, seen: [] })
  })

  test.for(['~', '~a', '~0.0~~~~x', '~0.0~~~1.1~', '~0.0~~~~1.1.1', '~0.0~1~~~~', '~0.0~00~~~', '~0.0~-~~~'])(
    'that was changed is refused: %s',
    (suffix) => {
      expect(() => parsePollCursor(`2026-01-01 00:00:05.000000_9${suffix}`)).toThrow('is not a cursor')
    },
  )

  test('holds moments of any year to the microsecond', () => {
    for (const text of ['0001-01-01 00:00:00.000001', '1969-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999'])
      expect(toCursorInstant(toMicros(text))).toBe(text)
  })
})

describe('what a cursor remembers', () => {
  const watched = (open: readonly string[], seen: readonly Place[]): PollCursor => ({
    last: seen.at(-1) ?? endOf(at(0)),
    settled: endOf(at(-1)),
    seen,
    watch: { since: at(5_000), open },
  })
  const idle: OpenTransaction = { id: '1/1', writes: false, isPrepared: false }

  test.for<[string, readonly OpenTransaction[], number, bigint | undefined]>([
    ['the transactions have ended', [], 10, at(5_000)],
    ['one is open', [idle], 10, undefined],
    ['one is open, and has written nothing, beside many messages', [idle], MANY_SEEN + 1, at(5_000)],
    ['one is open, and has written, beside many messages', [{ ...idle, writes: true }], MANY_SEEN + 1, undefined],
    ['one is prepared, under another id', [{ id: '-1/7', writes: true, isPrepared: true }], 10, undefined],
  ])('moves on when all that were open have ended: %s', ([, open, count, ended]) => {
    expect(advance(watched(['1/1'], places(count)), { ...reading, open }).next.ended).toBe(ended)
  })

  test('goes back ten seconds, and one second where that is too much', () => {
    const cursor = { ...watched([], places(20, 980)), ended: at(1_000) }
    expect(advance(cursor, reading).next.seen).toEqual(places(20, 980).slice(11))
    const busy = Array.from({ length: MOST_SEEN }, (_, n) => ({ at: at(992) + BigInt(n) * 8_000n, id: n }))
    const { count, next } = advance({ ...cursor, seen: busy }, { ...reading, found: [{ at: at(1_001), id: -1 }] })
    expect([count, next.settled]).toEqual([1, endOf(at(999))])
  })

  test('ends a page rather than forget', () => {
    const open = [{ ...idle, writes: true }]
    const cursor = watched(['1/1'], places(MOST_SEEN - 1))
    const { count, next } = advance(cursor, { ...reading, found: places(3, 2_000), open })
    expect([count, next.seen.length]).toEqual([1, MOST_SEEN])
  })
})

describe('polling begins', () => {
  test('with all that is visible of the last minute before the page', async () => {
    const page = [...places(3, 100)].toReversed()
    const older = [...places(90, 10)].toReversed()
    const { settled, seen } = await beginPolling(page.slice(0, 1), () => Promise.resolve([...page.slice(1), ...older]))
    expect([settled, seen.length, seen.at(-1)]).toEqual([endOf(at(42)), 60, page[0]])
  })

  test('reads no more where the page covers the minute', async () => {
    const { seen } = await beginPolling(places(100).toReversed(), () => Promise.reject(new Error('read more')))
    expect(seen).toHaveLength(60)
  })
})
