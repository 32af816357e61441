import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { repository } from './chatkeep-process.js'

/** A package that `npm install chatkeep` brings along. */
export interface ProductionPackage {
  readonly name: string
  /** As SPDX writes it. */
  readonly licence: string
  readonly hasInstallScript: boolean
}

const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      license: z.string().optional(),
      dev: z.literal(true).optional(),
      devOptional: z.literal(true).optional(),
      hasInstallScript: z.literal(true).optional(),
    }),
  ),
})

// The list of old, from before SPDX, which the lock file leaves out.
const oldManifest = z.object({ licenses: z.array(z.object({ type: z.string() })).min(1) })

const readJson = (path: string): unknown => JSON.parse(readFileSync(join(repository, path), 'utf8'))

/** Read from the lock file. */
export const productionPackages = (): readonly ProductionPackage[] =>
  Object.entries(lockFile.parse(readJson('package-lock.json')).packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true)
    .map(([path, { license, hasInstallScript }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      licence: license ?? oldLicences(path),
      hasInstallScript: hasInstallScript === true,
    }))

const oldLicences = (path: string): string =>
  oldManifest
    .parse(readJson(join(path, 'package.json')))
    .licenses.map(({ type }) => type)
    .join(' OR ')
