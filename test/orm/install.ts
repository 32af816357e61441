import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the packages of the ORMs are installed, or why they are not. */
    readonly ormPackages: { readonly path: string } | { readonly reason: string }
  }
}

/** No dependencies of chatkeep, so they are installed for the run. */
const PACKAGES = [
  'prisma@6.19.3',
  '@prisma/client@6.19.3',
  '@prisma/adapter-pg@6.19.3',
  'drizzle-kit@0.31.11',
  'drizzle-orm@0.45.4',
  'pg@8.23.1',
]

const MINUTES_5 = 300_000

let path: string | undefined

/** Installs the packages once for all tests, without their install scripts. */
export const setup = async (project: TestProject): Promise<void> => {
  path = await mkdtemp(join(tmpdir(), 'chatkeep-orm-'))
  await writeFile(join(path, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1']
  try {
    await promisify(execFile)('npm', ['install', ...options, ...PACKAGES], { cwd: path, timeout: MINUTES_5 })
  } catch (error) {
    const code = networkError(error)
    if (code === undefined) throw error
    project.provide('ormPackages', { reason: `the package registry cannot be reached (${code})` })
    return
  }
  await patchAdapter(path)
  project.provide('ormPackages', { path })
}

export const teardown = async (): Promise<void> => {
  if (path !== undefined) await rm(path, { recursive: true, force: true })
}

/** npm names the error on a line of its own; a package that does not exist is no such error. */
const networkError = (error: unknown): string | undefined => {
  const { stderr } = error as { readonly stderr?: string }
  return /^npm (?:error|ERR!) code (E(?:CONN\w+|NOTFOUND|AI_AGAIN|TIMEDOUT|NETUNREACH|HOSTUNREACH|RR_SOCKET_TIMEOUT|50\d))$/m.exec(
    stderr ?? '',
  )?.[1]
}

/** That version of the adapter does not know the types name and "char", and splits statements at every semicolon. */
const PATCHES: readonly (readonly [RegExp, string])[] = [
  [
    /switch \(fieldTypeId\) \{/,
    `switch (fieldTypeId) {
    case 18:
      return TYPES.Character;
    case 19:
      return TYPES.Text;`,
  ],
  [/script\.split\(";"\)\.map\([^;]+\.filter\([^;]+\);/, '[script];'],
]

const patchAdapter = async (installed: string): Promise<void> => {
  for (const name of ['index.mjs', 'index.js']) {
    const file = join(installed, 'node_modules/@prisma/adapter-pg/dist', name)
    const text = await readFile(file, 'utf8')
    const types = /return ([\w.]*ColumnTypeEnum)\.Int32/.exec(text)?.[1] ?? ''
    const patched = PATCHES.reduce((result, [from, to]) => result.replace(from, to.replaceAll('TYPES', types)), text)
    await writeFile(file, patched)
  }
}
