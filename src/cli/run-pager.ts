import { spawn } from 'node:child_process'

/** What shells exit with when a command is missing, or cannot be run. */
const NOT_RUN = [126, 127]

/**
 * Shows a text in a pager on this terminal, and waits for it. That somebody leaves it early is no error.
 * @returns false where there is no such pager
 */
export const runPager = (
  commandLine: string,
  text: string,
  env: Record<string, string | undefined>,
): Promise<boolean> =>
  new Promise((resolve) => {
    // A shell would complain when less, which nobody asked for, is missing.
    const [program = '', ...args] = commandLine.split(' ')
    const isPlain = /^[\w./ -]+$/.test(commandLine)
    const options = { stdio: ['pipe', 'inherit', 'inherit'] as ['pipe', 'inherit', 'inherit'], env }
    const child = isPlain ? spawn(program, args, options) : spawn(commandLine, { ...options, shell: true })
    child.once('error', () => resolve(false))
    child.once('close', (code) => resolve(code === null || !NOT_RUN.includes(code)))
    child.stdin.on('error', () => undefined)
    child.stdin.end(text)
  })
