import { readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run, runOrThrow } from './run.js'
import type { Row } from './table.js'

const COMPILERS = ['5.9', '6.0', '7.0']

const RESOLUTIONS = {
  node16: ['--module', 'node16', '--moduleResolution', 'node16'],
  nodenext: ['--module', 'nodenext', '--moduleResolution', 'nodenext'],
  bundler: ['--module', 'esnext', '--moduleResolution', 'bundler'],
}

const FLAGS = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022', '--types', 'node']

/** Compiles the consumers in a folder where chatkeep is installed, with each compiler in each way. */
export const checkTypes = async (folder: string): Promise<readonly Row[]> => {
  const wanted = COMPILERS.map((version) => `${alias(version)}@npm:typescript@${version}`)
  await runOrThrow(['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', ...wanted], { cwd: folder })
  const files = readdirSync(folder).filter((name) => name.endsWith('.mts'))
  const rows: Row[] = []
  for (const version of COMPILERS) {
    for (const [resolution, flags] of Object.entries(RESOLUTIONS)) {
      const argv = [...compiler(folder, version), ...FLAGS, ...flags, ...files]
      rows.push({ row: `TypeScript ${version}`, column: resolution, ...(await run(argv, { cwd: folder })) })
    }
  }
  return rows
}

const alias = (version: string): string => `typescript-${version}`

const compiler = (folder: string, version: string): readonly string[] => {
  const home = join(folder, 'node_modules', alias(version))
  const { bin } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { readonly bin: { tsc: string } }
  return [process.execPath, join(home, bin.tsc)]
}

/** What applications have their pool from, and the consumer that passes it. */
const POOLS = [
  ...['8.6', '8.10', '8.11', '8'].map((version) => ({ file: 'pg', packages: ['pg@8', `@types/pg@${version}`] })),
  { file: 'pg-pool', packages: ['pg@8', 'pg-pool@3', '@types/pg-pool@2'] },
  { file: 'neon', packages: ['@neondatabase/serverless@1'] },
  { file: 'vercel', packages: ['@vercel/postgres@0.10'] },
]

/** Compiles a consumer for each pool, beside chatkeep and nothing but what that pool needs. @param compilers where `checkTypes` put them */
export const checkPools = async (
  work: string,
  tarball: string,
  compilers: string,
): Promise<{ readonly rows: readonly Row[]; readonly missing: readonly string[] }> => {
  const rows: Row[] = []
  const missing: string[] = []
  for (const [number, { file, packages }] of POOLS.entries()) {
    const [folder, row] = [join(work, `pool-${number}`), packages.at(-1) ?? '']
    await mkdir(folder)
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
    await cp(join(compilers, 'pools', `${file}.mts`), join(folder, `${file}.mts`))
    const wanted = [tarball, '@types/node@20', ...packages]
    const installed = await run([...NPM_INSTALL, ...wanted], { cwd: folder })
    if (installed.code !== 0) {
      missing.push(`${row}: ${installed.output.trim().split('\n')[0]}`)
      continue
    }
    for (const version of COMPILERS) {
      const argv = [...compiler(compilers, version), ...FLAGS, ...RESOLUTIONS.nodenext, `${file}.mts`]
      rows.push({ row, column: `TypeScript ${version}`, ...(await run(argv, { cwd: folder })) })
    }
  }
  return { rows, missing }
}

const NPM_INSTALL = ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']

/** What publint and are-the-types-wrong say of the packed package. */
export const checkPackage = async (folder: string, tarball: string): Promise<readonly Row[]> => {
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  const wanted = ['publint@0.3', '@arethetypeswrong/cli@0.18']
  await runOrThrow([...NPM_INSTALL, ...wanted], { cwd: folder })
  const tool = (...argv: readonly string[]) => run([process.execPath, ...argv], { cwd: folder })
  const publint = await tool(join('node_modules', 'publint', 'src', 'cli.js'), 'run', tarball, '--strict')
  const attw = join('node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js')
  const types = await tool(attw, tarball, '--profile', 'esm-only', '--no-emoji', '--no-color')
  return [
    { row: 'publint', column: 'package', ...publint },
    { row: 'are-the-types-wrong', column: 'package', ...types },
  ]
}
