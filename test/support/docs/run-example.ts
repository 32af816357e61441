import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build, type OnResolveArgs, type OnResolveResult } from 'esbuild'
import { repository } from '../chatkeep-process.js'

const RUN_TIMEOUT_MS = 120_000

/** Runs an example in a process of its own, with the library's sources as `chatkeep`. @returns what it prints */
export const runExample = async (
  code: string,
  env: Readonly<Record<string, string>>,
  folder = repository,
): Promise<string> => {
  const { outputFiles } = await build({
    stdin: { contents: code, loader: 'ts', resolveDir: folder },
    alias: { chatkeep: join(repository, 'src/index.ts') },
    bundle: true,
    format: 'esm',
    platform: 'node',
    plugins: [{ name: 'as-installed', setup: (plan) => plan.onResolve({ filter: /./ }, outsideOf) }],
    write: false,
  })
  const script = outputFiles[0]?.text ?? ''
  // Packages are found from the working directory, since the script has no file.
  const running = promisify(execFile)(process.execPath, ['--input-type=module'], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    timeout: RUN_TIMEOUT_MS,
  })
  running.child.stdin?.end(script)
  return (await running).stdout
}

// As when chatkeep is installed: what package.json does not call a dependency is inside. What the example imports is its own.
const outsideOf = ({ path, importer }: OnResolveArgs): OnResolveResult | undefined =>
  path !== 'chatkeep' && (importer === '<stdin>' || isBuiltin(path) || DEPENDENCIES.includes(path))
    ? { path, external: true }
    : undefined

const { dependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>
}

const DEPENDENCIES = Object.keys(dependencies)
