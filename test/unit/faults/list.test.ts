import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { faults } from '../../faults/faults/index.js'

test('lists every fault of the campaign, under a name of its own', () => {
  const folder = join(import.meta.dirname, '..', '..', 'faults', 'faults')
  const files = readdirSync(folder).filter((name) => name !== 'index.ts')
  const defined = files.flatMap((name) => [
    ...readFileSync(join(folder, name), 'utf8').matchAll(
      /^export const \w+(?:: Fault| = \w+(?:At|After)\(| = settingFault\()/gm,
    ),
  ])
  expect(faults.length).toBeGreaterThan(25)
  expect(faults).toHaveLength(defined.length)
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length)
})
