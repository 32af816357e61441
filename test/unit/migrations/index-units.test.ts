import { describe, expect, test } from 'vitest'
import { EFFECTS } from '../../../src/migrations/ledger/effects.js'
import { readMigrationFiles, shippedMigrations } from '../../../src/migrations/ledger/migration-files.js'
import { indexBody, indexUnits } from '../../../src/migrations/partitions/index-units.js'
import type { Partition, PartitionIndex } from '../../../src/migrations/partitions/partitions.js'

const wanted = { name: 'ChatMessage_x_idx', definition: 'btree (x)', body: '(x)' }

const table = (id: string, kind = 'r', parent: string | null = 'root'): Partition => ({
  ...{ id, name: id, schema: 'parts', kind, parent },
})
const root = { ...table('ChatMessage', 'p', null), id: 'root', schema: 'public' }

const index = (name: string, of: string, more: Partial<PartitionIndex> = {}): PartitionIndex => ({
  ...{ id: name, name, table: of, parent: null, valid: true, unique: false, definition: 'btree (x)' },
  ...more,
})
const invalidRoot = index('ChatMessage_x_idx', 'root', { valid: false })

const ON_ONLY = 'CREATE INDEX "ChatMessage_x_idx" ON ONLY "ChatMessage" (x)'
const build = (name: string, of: string): string => `CREATE INDEX CONCURRENTLY "${name}" ON "parts"."${of}" (x)`
const attach = (name: string): string => `ALTER INDEX "ChatMessage_x_idx" ATTACH PARTITION "parts"."${name}"`
const LONG = 'm'.repeat(60)

describe('an index of a partitioned table', () => {
  test.for<readonly [string, readonly Partition[], readonly PartitionIndex[], readonly string[]]>([
    ['that is valid', [table('a')], [index('ChatMessage_x_idx', 'root')], []],
    ['of no partitions', [], [], [ON_ONLY]],
    ['that nothing has', [table('a')], [], [ON_ONLY, build('a_x_idx', 'a'), attach('a_x_idx')]],
    [
      'that lacks one partition',
      [table('a'), table('b')],
      [invalidRoot, index('a_x_idx', 'a', { parent: invalidRoot.id })],
      [build('b_x_idx', 'b'), attach('b_x_idx')],
    ],
    ['that a partition has by hand', [table('a')], [invalidRoot, index('own', 'a')], [attach('own')]],
    [
      'that a partition has as unique',
      [table('a')],
      [invalidRoot, index('own', 'a', { unique: true })],
      [build('a_x_idx', 'a'), attach('a_x_idx')],
    ],
    [
      'that is INVALID on a partition',
      [table('a')],
      [invalidRoot, index('a_x_idx', 'a', { valid: false })],
      ['DROP INDEX CONCURRENTLY "parts"."a_x_idx"', build('a_x_idx', 'a'), attach('a_x_idx')],
    ],
    [
      'that is INVALID and attached',
      [table('a')],
      [invalidRoot, index('a_x_idx', 'a', { valid: false, parent: invalidRoot.id })],
      ['REINDEX INDEX CONCURRENTLY "parts"."a_x_idx"'],
    ],
    [
      'that is complete, but INVALID',
      [table('a')],
      [invalidRoot, index('a_x_idx', 'a', { parent: invalidRoot.id })],
      [attach('a_x_idx')],
    ],
    [
      'of another table with its name',
      [table('a')],
      [invalidRoot, index('a_x_idx', 'root', { definition: 'hash (x)' })],
      [build('a_bf051233_idx', 'a'), attach('a_bf051233_idx')],
    ],
    [
      'of partitions of partitions',
      [table('a', 'p'), table('a1', 'r', 'a')],
      [],
      [
        ON_ONLY,
        'CREATE INDEX "a_x_idx" ON ONLY "parts"."a" (x)',
        build('a1_x_idx', 'a1'),
        'ALTER INDEX "parts"."a_x_idx" ATTACH PARTITION "parts"."a1_x_idx"',
        attach('a_x_idx'),
      ],
    ],
  ])('%s', ([, partitions, indexes, statements]) => {
    const units = indexUnits({ tables: [root, ...partitions], indexes }, wanted)
    expect(units.flat()).toEqual(statements)
  })

  test('has a name that PostgreSQL does not cut', () => {
    const names = indexUnits({ tables: [root, table(LONG)], indexes: [invalidRoot] }, wanted)
      .flat()
      .flatMap((sql) => /CONCURRENTLY "([^"]+)"/.exec(sql)?.[1] ?? [])
    expect(names).toEqual([expect.stringMatching(/^m{50}_[0-9a-f]{8}_idx$/)])
  })

  test('is read from every file that builds one of messages', async () => {
    const files = await readMigrationFiles(shippedMigrations())
    const built = EFFECTS.flatMap(({ migration, effect }) =>
      effect.kind === 'index' && effect.index.table === 'ChatMessage' ? [migration] : [],
    )
    expect(files.filter(({ sql }) => indexBody(sql) !== undefined).map(({ name }) => name)).toEqual(built)
  })
})
