import { productionPackages } from '../../production-packages.js'
import { bullet } from '../markdown.js'
import type { Generated } from './index.js'

/** The packages that an installation brings along, under their licences. */
export const dependencies: Generated = {
  path: 'docs/security.md',
  section: 'dependencies',
  render: () => {
    const packages = productionPackages()
    const licences = [...new Set(packages.map(({ licence }) => licence))].toSorted()
    return licences
      .map((licence) => {
        const names = packages.filter((one) => one.licence === licence).map(({ name }) => `\`${name}\``)
        return bullet(`${licence}: ${names.join(', ')}`)
      })
      .join('\n')
  },
}
