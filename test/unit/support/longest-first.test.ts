import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { LONG_FILES } from '../../support/longest-first.js'

test('every file that starts first exists', () => {
  const missing = LONG_FILES.filter((name) => !existsSync(new URL(`../../${name}`, import.meta.url)))
  expect(missing).toEqual([])
})
