import { describe, expect, test } from 'vitest'
import { estimateIndexBytes, estimateTime, withPast } from '../../../src/migrations/plan/estimate.js'
import { serverObstacles } from '../../../src/migrations/plan/refusals.js'

describe('estimates', () => {
  const tables = [{ table: 't', rows: 5_000_000, bytes: 1e9, totalBytes: 2e9, partitioned: false, indexes: [] }]

  test.for([
    [{ kind: 'catalog' }, 2],
    [{ kind: 'index', table: 't', name: 'i', method: 'btree', partial: false }, 13_514],
    [{ kind: 'index', table: 't', name: 'i', method: 'brin', partial: false }, 10_000],
    [{ kind: 'index', table: 'not there yet', name: 'i', method: 'btree', partial: false }, 10],
    [{ kind: 'scan', table: 't' }, 1_111],
    [{ kind: 'index', table: 't', name: 'i', method: 'btree', partial: true }, 10_000],
    [{ kind: 'rows', tables: ['none', 't'] }, 10_000],
    [{ kind: 'rewrite', table: 't' }, null],
    [{ kind: 'unknown' }, null],
  ] as const)('%j', ([work, ms]) => {
    expect(estimateTime(work, tables).ms).toBe(ms)
  })

  test('believe what happened here, where that took longer', () => {
    const past = { migration: 'm', durationMs: 20_000, day: '2026-11-22' }
    expect(withPast({ ms: 10, basis: 'a rate' }, past)).toEqual({
      ms: 20_000,
      basis: 'measured when it last ran here, on 2026-11-22',
    })
    expect(withPast({ ms: 30_000, basis: 'a rate' }, past).basis).toBe('a rate')
  })

  test.for([
    ['without a recorded time', { ms: 10, basis: 'a rate' }, undefined],
    ['without an estimate', { ms: null, basis: 'not measured' }, { migration: 'm', durationMs: 1, day: 'd' }],
  ] as const)('stay as they are %s', ([, estimate, past]) => {
    expect(withPast(estimate, past)).toEqual(estimate)
  })

  test.for([
    ['an index', { kind: 'index', table: 't', name: 'i', method: 'btree', partial: false }, 160_000_000],
    ['a table without statistics', { kind: 'index', table: 'new', name: 'i', method: 'btree', partial: false }, 32_000],
    ['a missing table', { kind: 'index', table: 'none', name: 'i', method: 'btree', partial: false }, 0],
    ['a BRIN index', { kind: 'index', table: 't', name: 'i', method: 'brin', partial: false }, 0],
    ['a scan', { kind: 'scan', table: 't' }, 0],
  ] as const)('of disk for %s', ([, work, bytes]) => {
    const unanalyzed = {
      table: 'new',
      rows: null,
      bytes: 200_000,
      totalBytes: 200_000,
      partitioned: false,
      indexes: [],
    }
    expect(estimateIndexBytes(work, [...tables, unanalyzed])).toBe(bytes)
  })
})

test.for([
  [140_003, true, 1],
  [140_003, false, 0],
  [140_004, true, 0],
  [130_009, true, 0],
] as const)('a server %i that corrupts indexes built CONCURRENTLY is refused', ([version, concurrent, refusals]) => {
  expect(serverObstacles(version, concurrent).filter(({ effect }) => effect === 'refused')).toHaveLength(refusals)
})
