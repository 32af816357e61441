import { bundledPackages, productionPackages, type ProductionPackage } from '../../production-packages.js'
import { bullet } from '../markdown.js'
import type { Generated } from './index.js'

const underLicences = (packages: readonly ProductionPackage[], name: (one: ProductionPackage) => string): string =>
  [...new Set(packages.map(({ licence }) => licence))]
    .toSorted()
    .map((licence) => {
      const names = packages.filter((one) => one.licence === licence).map((one) => `\`${name(one)}\``)
      return bullet(`${licence}: ${names.join(', ')}`)
    })
    .join('\n')

/** The packages that an installation brings along, under their licences. */
export const dependencies: Generated = {
  path: 'docs/security.md',
  section: 'dependencies',
  render: () => underLicences(productionPackages(), ({ name }) => name),
}

/** The packages inside chatkeep's own files, which no audit sees: with their versions. */
export const bundled: Generated = {
  path: 'docs/security.md',
  section: 'bundled',
  render: () => underLicences(bundledPackages(), ({ name, version }) => `${name}@${version}`),
}
