import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from './run.js'

/** What runs JavaScript. */
export interface Runtime {
  readonly name: string
  /** The words before a script. */
  readonly command: readonly string[]
}

interface Release {
  readonly name: string
  /** The package that holds the binary of this machine. */
  readonly spec: (machine: string) => string
  readonly path: string
  readonly flags?: readonly string[]
}

const node = (major: number): Release => ({
  name: `Node.js ${major}`,
  spec: (machine) => `node-${machine}@${major}`,
  path: 'bin/node',
})

/** The versions of Node.js that are supported, and what else runs packages of npm. */
const RELEASES: readonly Release[] = [
  node(20),
  node(22),
  node(24),
  node(26),
  { name: 'Bun', spec: (machine) => `@oven/bun-${machine}`, path: 'bin/bun' },
  {
    name: 'Deno',
    spec: (machine) => `@deno/${machine}${machine.startsWith('linux') ? '-glibc' : ''}`,
    path: 'deno',
    flags: ['run', '--allow-all', '--no-lock'],
  },
]

/** Installs the runtimes below a folder, each in its own. @returns those that it could, and for the others why not */
export const installRuntimes = async (
  folder: string,
): Promise<{ readonly runtimes: readonly Runtime[]; readonly missing: readonly string[] }> => {
  const runtimes: Runtime[] = []
  const missing: string[] = []
  for (const release of RELEASES) {
    try {
      runtimes.push(await install(release, join(folder, release.name.replaceAll(/[ .]/g, '-'))))
    } catch (error) {
      missing.push(`${release.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return { runtimes, missing }
}

const install = async ({ name, spec, path, flags = [] }: Release, folder: string): Promise<Runtime> => {
  const wanted = spec(`${process.platform}-${process.arch}`)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  await runOrThrow(['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', wanted], {
    cwd: folder,
  })
  const home = join(folder, 'node_modules', wanted.replace(/(?<=.)@.*$/, ''))
  const binary = join(home, path)
  if (!existsSync(binary)) throw new Error(`${wanted} has no ${path}`)
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { readonly version: string }
  return { name: `${name.replace(/ \d+$/, '')} ${version}`, command: [binary, ...flags] }
}
