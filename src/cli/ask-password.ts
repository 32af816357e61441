import { ReadStream } from 'node:tty'
import { ExitCode, OperatorError } from '../errors.js'
import { printable } from '../terminal/printable.js'
import type { Dialogue, ProcessContext } from './context.js'

type AskPassword = (user: string) => Promise<string | undefined>

/**
 * Asks on the terminal that started the process for a password, without echo, as psql does: once in a run, whatever wants it.
 * Undefined in a CI run, and the answer is undefined without a terminal: then nobody is there.
 */
export const createAskPassword = (
  { env, signal, terminal }: ProcessContext,
  onAnswer: (password: string) => void,
): AskPassword | undefined => {
  if ((env.CI ?? '') !== '') return undefined
  const askOnce = async (user: string): Promise<string | undefined> => {
    const started = terminal()
    if (started?.isForeground !== true) return undefined
    const password = await ask(started.open(), `Password for user ${printable(user)}: `, signal)
    onAnswer(password)
    return password
  }
  let answer: Promise<string | undefined> | undefined
  return (user) => (answer ??= askOnce(user))
}

const ask = async (dialogue: Dialogue, question: string, signal: AbortSignal): Promise<string> => {
  const { input } = dialogue
  const withoutEcho = (isOn: boolean) => (input instanceof ReadStream ? input.setRawMode(isOn) : undefined)
  withoutEcho(true)
  dialogue.write(question)
  try {
    return await readSecretLine(input.setEncoding('utf8'), signal)
  } finally {
    withoutEcho(false)
    dialogue.write('\n')
    dialogue.close()
  }
}

/** What keys send in raw mode. */
const CTRL_C = '\u0003'
const ERASE_CHARACTER = ['\u007f', '\b']
const ERASE_LINE = '\u0015'
const END = ['\r', '\n', '\u0004']

const readSecretLine = (input: NodeJS.ReadableStream, signal: AbortSignal): Promise<string> =>
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
