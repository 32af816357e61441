import { execFileSync } from 'node:child_process'
import { repository } from './chatkeep-process.js'

/** Builds `dist` once a run: e2e tests start the built program. */
export const setup = (): void => {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] })
}
