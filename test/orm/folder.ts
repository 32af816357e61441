import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { test as base } from '../support/database.js'

/** A folder of one test in which the programs of the ORMs can be run. */
export interface OrmFolder {
  readonly path: string
  readonly write: (name: string, text: string) => Promise<void>
  readonly read: (name: string) => Promise<string>
  /** Runs one of their programs on a database. @returns stdout and stderr */
  readonly run: (databaseUrl: string, program: string, ...argv: readonly string[]) => Promise<string>
}

const MINUTES_5 = 300_000

/** `test` with a folder; skipped where the packages could not be installed. `libraries` is a folder with those of applications. */
export const test = base.extend<{ folder: OrmFolder; libraries: OrmFolder }>({
  folder: ({ skip }, use) => withFolder('ormPackages', skip, use),
  libraries: ({ skip }, use) => withFolder('ormLibraries', skip, use),
})

const withFolder = async (
  packages: 'ormPackages' | 'ormLibraries',
  skip: (reason: string) => void,
  use: (folder: OrmFolder) => Promise<void>,
): Promise<void> => {
  const installed = inject(packages)
  if ('reason' in installed) {
    skip(installed.reason)
    return
  }
  const path = await mkdtemp(join(tmpdir(), 'chatkeep-orm-'))
  try {
    await symlink(join(installed.path, 'node_modules'), join(path, 'node_modules'))
    await writeFile(join(path, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    await use(folderAt(path))
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

const folderAt = (path: string): OrmFolder => ({
  path,
  write: (name, text) => writeFile(join(path, name), text),
  read: (name) => readFile(join(path, name), 'utf8'),
  run: async (databaseUrl, program, ...argv) => {
    // Without CHECKPOINT_DISABLE, Prisma asks a server of its own for updates.
    const env = {
      ...{ ...process.env, DATABASE_URL: databaseUrl, NO_COLOR: '1', CI: '1', CHECKPOINT_DISABLE: '1' },
      // Without one, `prisma generate` downloads a program that it never runs.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    }
    const options = { cwd: path, env, timeout: MINUTES_5 }
    const { stdout, stderr } = await promisify(execFile)(
      join(path, 'node_modules', '.bin', program),
      [...argv],
      options,
    )
    return stdout + stderr
  },
})
