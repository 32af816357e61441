import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '../../../src/package-root.js'
import type { Bench } from '../scenario.js'
import { REPORTER } from './start.js'

const run = promisify(execFile)

/** What the scenario starts. */
interface Built {
  /** chatkeep. */
  readonly program: string
  readonly reporter: string
}

/** Builds chatkeep as it is published, below the package's folder, where its packages are found. */
export const buildChatkeep = async ({ process: { env }, signal }: Bench): Promise<Built> => {
  const folder = join(packageRoot(), 'test', 'bench', 'dist', 'chatkeep')
  await run('npm', ['run', '--silent', 'build:code', '--', `--outdir=${folder}`], {
    cwd: packageRoot(),
    env: { PATH: env.PATH, HOME: env.HOME },
    signal,
  })
  const reporter = join(folder, 'reporter.cjs')
  await writeFile(reporter, REPORTER)
  return { program: join(folder, 'main.js'), reporter }
}
