import { expect, test } from 'vitest'
import { productionPackages } from '../support/production-packages.js'

test('no package that an installation brings along runs a script when it is installed', () => {
  const packages = productionPackages()
  expect(packages.map(({ name }) => name)).toContain('pg')
  expect(packages.filter(({ hasInstallScript }) => hasInstallScript)).toEqual([])
})
