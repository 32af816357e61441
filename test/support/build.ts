import { execFileSync } from 'node:child_process'
import { repository } from './chatkeep-process.js'

const run = (script: string): void => {
  execFileSync('npm', ['run', '--silent', script], { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Builds the programs once a run: e2e tests start them. Nothing else runs meanwhile, so the types are left to who needs them. */
export const setup = (): void => {
  run('clean')
  run('build:code')
}

/** Adds the types to `dist`, as the package has them. */
export const buildTypes = (): void => run('build:types')
