import { spawn } from 'node:child_process'

export interface Ended {
  readonly code: number | null
  /** Both streams, as they came. */
  readonly output: string
}

export interface Place {
  readonly cwd: string
  readonly timeoutMs?: number
}

const MINUTES_3 = 180_000

/** Runs a program to its end. Of the environment it gets what it needs to be found, and to find the registry of packages. */
export const run = (
  [program = '', ...argv]: readonly string[],
  { cwd, timeoutMs = MINUTES_3 }: Place,
  whileRunning?: (line: string, stop: () => void) => void,
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(program, argv, { cwd, timeout: timeoutMs, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const read = (chunk: Buffer): void => {
      output += chunk.toString()
      whileRunning?.(output, () => child.kill('SIGTERM'))
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.on('error', (error) => resolve({ code: null, output: String(error) }))
    child.on('close', (code) => resolve({ code, output }))
  })

/** @throws Error with the output, if the program fails */
export const runOrThrow = async (argv: readonly string[], place: Place): Promise<string> => {
  const { code, output } = await run(argv, place)
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}:\n${output}`)
  return output
}
