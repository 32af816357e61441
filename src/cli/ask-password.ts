import { openSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { ExitCode, OperatorError } from '../errors.js'
import { printable } from '../terminal/printable.js'
import type { ProcessContext } from './context.js'

type AskPassword = (user: string) => Promise<string | undefined>

/**
 * Asks on the controlling terminal for a password, without echo, as psql does: once in a run, whatever wants it.
 * @returns undefined without a terminal, and in a CI run: then nobody is there to answer
 */
export const createAskPassword = (
  { env, signal, terminal }: ProcessContext,
  onAnswer: (password: string) => void,
): AskPassword | undefined => {
  // A process in the background would be stopped.
  if ((env.CI ?? '') !== '' || terminal()?.isForeground !== true) return undefined
  const askOnce = async (user: string): Promise<string | undefined> => {
    const password = await askOnTerminal(`Password for user ${printable(user)}: `, signal)
    if (password !== undefined) onAnswer(password)
    return password
  }
  let answer: Promise<string | undefined> | undefined
  return (user) => (answer ??= askOnce(user))
}

const askOnTerminal = async (question: string, signal: AbortSignal): Promise<string | undefined> => {
  const terminal = openTerminal()
  if (terminal === undefined) return undefined
  const input = new ReadStream(terminal)
  input.setRawMode(true).setEncoding('utf8')
  writeSync(terminal, question)
  try {
    return await readSecretLine(input, signal)
  } finally {
    writeSync(terminal, '\r\n')
    input.setRawMode(false)
    input.destroy()
  }
}

const openTerminal = (): number | undefined => {
  try {
    return openSync('/dev/tty', 'r+')
  } catch {
    // A process without a controlling terminal, as one of cron, has nobody to ask.
    return undefined
  }
}

/** What keys send in raw mode. */
const CTRL_C = '\u0003'
const ERASE_CHARACTER = ['\u007f', '\b']
const ERASE_LINE = '\u0015'
const END = ['\r', '\n', '\u0004']

const readSecretLine = (input: ReadStream, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    let line: readonly string[] = []
    const onKey = (key: string): void => {
      // The terminal makes no signal of it in this mode.
      if (key === CTRL_C)
        reject(new OperatorError('interrupted', 'ended by SIGINT', { exitCode: ExitCode.interrupted }))
      else if (END.includes(key)) resolve(line.join(''))
      else if (ERASE_CHARACTER.includes(key)) line = line.slice(0, -1)
      else line = key === ERASE_LINE ? [] : [...line, key]
    }
    input.on('data', (text: string) => Array.from(text).forEach(onKey))
    input.once('error', reject)
    input.once('end', () => resolve(line.join('')))
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
