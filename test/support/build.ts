import { execFileSync } from 'node:child_process'
import { repository } from './chatkeep-process.js'

/** Makes `dist` what `src` is now, once a run: e2e tests run the built program as a process of its own. */
export const setup = (): void => {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] })
}
