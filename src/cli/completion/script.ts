import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../package-root.js'

/** The shells that have a script, each with the ending of its file. */
const ENDINGS = { bash: 'bash', zsh: 'zsh', fish: 'fish', powershell: 'ps1' } as const

export type Shell = keyof typeof ENDINGS

export const SHELLS = Object.keys(ENDINGS) as readonly Shell[]

/** The script that completes chatkeep in a shell: it asks `chatkeep complete` each time. */
export const completionScript = (shell: Shell): string =>
  readFileSync(join(packageRoot(), 'bin', 'completions', `chatkeep.${ENDINGS[shell]}`), 'utf8')
