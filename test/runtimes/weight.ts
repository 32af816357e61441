import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { runOrThrow } from './run.js'
import type { Runtime } from './runtimes.js'

export interface Weight {
  readonly packages: number
  readonly megabytes: number
}

/** What an installation takes. */
export const weigh = (modules: string): Weight => {
  const files = readdirSync(modules, { recursive: true, encoding: 'utf8' })
  const bytes = files.reduce((sum, name) => sum + statSync(join(modules, name)).size, 0)
  const packages = files.filter((name) => /(?:^|node_modules\/)(?:@[^/]+\/)?[^/@.][^/]*\/package\.json$/.test(name))
  return { packages: packages.length, megabytes: bytes / 1e6 }
}

const RUNS = 15

/** The least processor time of a process that imports a package, in ms, for each package; in turns, as the machine changes. */
export const importTimes = async (
  { command }: Runtime,
  cwd: string,
  packages: readonly string[],
): Promise<readonly number[]> => {
  const least = packages.map(() => Infinity)
  for (let turn = 0; turn < RUNS; turn += 1) {
    for (const [index, name] of packages.entries()) {
      const code = `await import('${name}'); const { userCPUTime, systemCPUTime } = process.resourceUsage(); console.log(userCPUTime + systemCPUTime)`
      const output = await runOrThrow([...command, '--input-type=module', '-e', code], { cwd })
      least[index] = Math.min(least[index] ?? Infinity, Number(output.trim().split('\n').at(-1)) / 1_000)
    }
  }
  return least
}
