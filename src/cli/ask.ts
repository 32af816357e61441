import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { printable } from '../terminal/printable.js'
import type { ProcessContext } from './context.js'

/** Whether to ask questions: stdin and stderr are a terminal, and this is not a CI run. */
export const canAsk = ({ stdin, stderr, env }: ProcessContext): boolean =>
  stdin.isTTY && stderr.isTTY && (env.CI ?? '') === ''

/**
 * Asks on stderr and waits for one line.
 * @returns the answer without outer white space; '' when the input ended
 * @throws the reason of the context's signal when that fires first
 */
export const ask = async ({ stdin, stderr, signal }: ProcessContext, question: string): Promise<string> => {
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      stderr.write(chunk.toString())
      done()
    },
  })
  const lines = createInterface({ input: stdin.stream, output, terminal: false })
  stderr.write(printable(question))
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', (line) => resolve(line.trim()))
      // The cursor still stands behind the question.
      lines.once('close', () => {
        stderr.write('\n')
        resolve('')
      })
      signal.addEventListener(
        'abort',
        () => {
          stderr.write('\n')
          reject(signal.reason as Error)
        },
        { once: true },
      )
    })
  } finally {
    lines.close()
  }
}
