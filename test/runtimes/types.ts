import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
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
  const alias = (version: string): string => `typescript-${version}`
  const wanted = COMPILERS.map((version) => `${alias(version)}@npm:typescript@${version}`)
  await runOrThrow(['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', ...wanted], { cwd: folder })
  const files = readdirSync(folder).filter((name) => name.endsWith('.mts'))
  const rows: Row[] = []
  for (const version of COMPILERS) {
    const home = join(folder, 'node_modules', alias(version))
    const { bin } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { readonly bin: { tsc: string } }
    for (const [resolution, flags] of Object.entries(RESOLUTIONS)) {
      const argv = [process.execPath, join(home, bin.tsc), ...FLAGS, ...flags, ...files]
      rows.push({ row: `TypeScript ${version}`, column: resolution, ...(await run(argv, { cwd: folder })) })
    }
  }
  return rows
}

/** What publint and are-the-types-wrong say of the packed package. */
export const checkPackage = async (folder: string, tarball: string): Promise<readonly Row[]> => {
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  const wanted = ['publint@0.3', '@arethetypeswrong/cli@0.18']
  await runOrThrow(['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...wanted], {
    cwd: folder,
  })
  const tool = (...argv: readonly string[]) => run([process.execPath, ...argv], { cwd: folder })
  const publint = await tool(join('node_modules', 'publint', 'src', 'cli.js'), 'run', tarball, '--strict')
  const attw = join('node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js')
  const types = await tool(attw, tarball, '--profile', 'esm-only', '--no-emoji', '--no-color')
  return [
    { row: 'publint', column: 'package', ...publint },
    { row: 'are-the-types-wrong', column: 'package', ...types },
  ]
}
