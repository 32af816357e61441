import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the command lines of the ORMs are installed, or why they are not. */
    readonly ormPackages: Installed
    /** The same for the libraries with which an application makes transactions. */
    readonly ormLibraries: Installed
  }
}

type Installed = { readonly path: string } | { readonly reason: string }

/** No dependencies of chatkeep, so they are installed for the run. */
const PACKAGES = [
  'prisma@6.19.3',
  '@prisma/client@6.19.3',
  '@prisma/adapter-pg@6.19.3',
  'drizzle-kit@0.31.11',
  'drizzle-orm@0.45.4',
  'pg@8.23.1',
]

/** Apart from the others, because Prisma 7 is among them. */
const LIBRARIES = [
  'prisma@7.10.1',
  '@prisma/client@7.10.0',
  '@prisma/adapter-pg@7.10.1',
  'drizzle-orm@0.45.4',
  'kysely@0.28.19',
  'knex@3.3.0',
  'pg@8.23.1',
  '@types/pg@8.23.1',
]

const MINUTES_5 = 300_000

const paths: string[] = []

/** Installs the packages once for all tests. */
export const setup = async (project: TestProject): Promise<void> => {
  const tools = await install(PACKAGES)
  if ('path' in tools) await patch(tools.path)
  project.provide('ormPackages', tools)
  project.provide('ormLibraries', await install(LIBRARIES))
}

export const teardown = async (): Promise<void> => {
  await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true })))
}

/** Without their install scripts. */
const install = async (packages: readonly string[]): Promise<Installed> => {
  const path = await mkdtemp(join(tmpdir(), 'chatkeep-orm-'))
  paths.push(path)
  await writeFile(join(path, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1']
  try {
    await promisify(execFile)('npm', ['install', ...options, ...packages], { cwd: path, timeout: MINUTES_5 })
  } catch (error) {
    const code = networkError(error)
    if (code === undefined) throw error
    return { reason: `the package registry cannot be reached (${code})` }
  }
  return { path }
}

/** npm names the error on a line of its own; a package that does not exist is no such error. */
const networkError = (error: unknown): string | undefined => {
  const { stderr } = error as { readonly stderr?: string }
  return /^npm (?:error|ERR!) code (E(?:CONN\w+|NOTFOUND|AI_AGAIN|TIMEDOUT|NETUNREACH|HOSTUNREACH|RR_SOCKET_TIMEOUT|50\d))$/m.exec(
    stderr ?? '',
  )?.[1]
}

interface Patch {
  readonly files: readonly string[]
  readonly from: RegExp
  readonly to: string
}

const ADAPTER = ['index.mjs', 'index.js'].map((name) => `@prisma/adapter-pg/dist/${name}`)

const PATCHES: readonly Patch[] = [
  // That version of the adapter does not know the types name and "char".
  {
    files: ADAPTER,
    from: /switch \(fieldTypeId\) \{(?=[^]*return ([\w.]*ColumnTypeEnum)\.Int32)/,
    to: `switch (fieldTypeId) {
    case 18:
      return $1.Character;
    case 19:
      return $1.Text;`,
  },
  // It splits statements at every semicolon.
  { files: ADAPTER, from: /script\.split\(";"\)\.map\([^;]+\.filter\([^;]+\);/, to: '[script];' },
  // Prisma leaves a timer of a minute running, and would wait for it before it exits.
  {
    files: ['prisma/build/index.js'],
    from: /return setTimeout\((\w+),(\w+)>>>0\)/,
    to: 'return setTimeout($1,$2>>>0).unref()',
  },
]

const patch = async (installed: string): Promise<void> => {
  for (const { files, from, to } of PATCHES) {
    for (const name of files) {
      const file = join(installed, 'node_modules', name)
      const text = await readFile(file, 'utf8')
      if (!from.test(text)) throw new Error(`${name} has no ${from.source}`)
      await writeFile(file, text.replace(from, to))
    }
  }
}
