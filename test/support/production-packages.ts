import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { repository } from './chatkeep-process.js'
import { readImports } from './source-tree.js'

/** A package that `npm install chatkeep` brings along. */
export interface ProductionPackage {
  readonly name: string
  readonly version: string
  /** As SPDX writes it. */
  readonly licence: string
  readonly hasInstallScript: boolean
}

const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      dependencies: z.record(z.string(), z.string()).optional(),
      peerDependencies: z.record(z.string(), z.string()).optional(),
      dev: z.literal(true).optional(),
      devOptional: z.literal(true).optional(),
      hasInstallScript: z.literal(true).optional(),
    }),
  ),
})

// The list of old, from before SPDX, which the lock file leaves out.
const oldManifest = z.object({ licenses: z.array(z.object({ type: z.string() })).min(1) })

const readJson = (path: string): unknown => JSON.parse(readFileSync(join(repository, path), 'utf8'))

const locked = lockFile.parse(readJson('package-lock.json')).packages

const toPackage = (path: string): ProductionPackage => ({
  name: path.slice(path.lastIndexOf(FOLDER) + FOLDER.length),
  version: locked[path]?.version ?? '',
  licence: locked[path]?.license ?? oldLicences(path),
  hasInstallScript: locked[path]?.hasInstallScript === true,
})

const FOLDER = 'node_modules/'

const isInstalled = (path: string): boolean =>
  path !== '' && locked[path]?.dev !== true && locked[path]?.devOptional !== true

/** Read from the lock file. */
export const productionPackages = (): readonly ProductionPackage[] =>
  Object.keys(locked).filter(isInstalled).map(toPackage)

/** The packages that the build puts into dist: those that the sources import and an installation does not bring along. */
export const bundledPackages = (): readonly ProductionPackage[] => {
  const found = new Set<string>()
  const add = (name: string, importer: string): void => {
    const path = pathOf(name, importer)
    if (path === undefined || found.has(path) || isInstalled(path) || locked[path]?.devOptional === true) return
    found.add(path)
    const { dependencies, peerDependencies } = locked[path] ?? {}
    for (const dependency of Object.keys({ ...dependencies, ...peerDependencies })) add(dependency, path)
  }
  for (const { target, isPackage } of readImports()) if (isPackage) add(target, '')
  // Not imported: its files are read.
  add('uplot', '')
  return [...found].toSorted().map(toPackage)
}

/** Where a package is found that another imports: in the nearest folder upwards. */
const pathOf = (name: string, importer: string): string | undefined => {
  const path = importer === '' ? `${FOLDER}${name}` : `${importer}/${FOLDER}${name}`
  if (path in locked) return path
  return importer === '' ? undefined : pathOf(name, importer.slice(0, Math.max(importer.lastIndexOf(`/${FOLDER}`), 0)))
}

const oldLicences = (path: string): string =>
  oldManifest
    .parse(readJson(join(path, 'package.json')))
    .licenses.map(({ type }) => type)
    .join(' OR ')
