import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { ExitCode, interruptedBy, OperatorError } from '../errors.js'
import type { OutputStream } from '../terminal/output-stream.js'
import { printable } from '../terminal/printable.js'
import type { Terminal } from '../terminal/terminal.js'
import type { ControllingTerminal, Dialogue, ProcessContext } from './context.js'

interface AskOptions {
  readonly isForPeople: boolean
  /** Called when somebody is there to be asked. */
  readonly beforeAsking: () => void
}

/**
 * How to ask: on stdin and stderr if both are a terminal and people read them, else on the terminal that started the process, as
 * psql asks for a password. The answer is undefined without a terminal, and in CI.
 */
export const createAsk =
  (
    { stdin, env, signal, terminal }: ProcessContext,
    stderr: OutputStream,
    { isForPeople, beforeAsking }: AskOptions,
  ): Terminal['ask'] =>
  async (question) => {
    if ((env.CI ?? '') !== '') return undefined
    const started = terminal()
    if (started?.isForeground === false) throw inBackground()
    if (!stdin.isTTY || !stderr.isTTY || !isForPeople) {
      if (started === undefined) return undefined
      beforeAsking()
      return askOnTerminal(started, signal, question)
    }
    beforeAsking()
    return ask({ input: stdin.stream, write: (text) => stderr.write(text), close: () => undefined }, signal, question)
  }

/** What a pipe such as `| tee log` may take to show the plan, on the same terminal. */
const PIPE_MS = 300

const askOnTerminal = async (terminal: ControllingTerminal, signal: AbortSignal, question: string): Promise<string> => {
  await delay(PIPE_MS)
  if (signal.aborted) throw interrupted(signal)
  return ask(terminal.open(), signal, question)
}

const interrupted = (signal: AbortSignal): OperatorError =>
  interruptedBy(signal, (ended) => `${ended}; nothing was changed`, {})

const inBackground = (): OperatorError =>
  new OperatorError(
    'confirmation_missing',
    'a process in the background cannot ask its terminal; nothing was changed',
    {
      exitCode: ExitCode.refused,
      hint: 'confirm with a flag (migrate --yes, rollback --confirm), or bring it to the foreground',
    },
  )

/**
 * @returns the answer without outer white space; '' when the input ended
 * @throws the reason of the signal when that fires first
 */
const ask = async (dialogue: Dialogue, signal: AbortSignal, question: string): Promise<string> => {
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      dialogue.write(chunk.toString())
      done()
    },
  })
  const lines = createInterface({ input: dialogue.input, output, terminal: false })
  try {
    return await new Promise<string>((resolve, reject) => {
      // At the end of the input, the cursor still stands behind the question.
      const onClose = (): void => {
        dialogue.write('\n')
        resolve('')
      }
      lines.once('close', onClose)
      lines.once('line', (line) => {
        lines.off('close', onClose)
        resolve(line.trim())
      })
      signal.addEventListener(
        'abort',
        () => {
          dialogue.write('\n')
          reject(interrupted(signal))
        },
        { once: true },
      )
      dialogue.write(printable(question))
    })
  } finally {
    lines.close()
    dialogue.close()
  }
}
