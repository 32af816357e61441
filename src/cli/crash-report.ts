import { mkdir } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { packageVersion } from '../package-root.js'
import { openPrivateFile } from '../private-file.js'
import type { ProcessContext } from './context.js'

type CrashContext = Pick<ProcessContext, 'argv' | 'env' | 'pid' | 'platform'>

/**
 * Writes what is needed to find a bug into a file of its own, which only its owner can read: no values of flags, no texts of
 * errors that may quote data, no query and no parameters.
 * @param redact takes out what is still a secret
 * @returns the path; undefined where nothing could be written, which is no further error
 */
export const writeCrashReport = async (
  error: unknown,
  context: CrashContext,
  redact: (text: string) => string,
): Promise<string | undefined> => {
  const name = `chatkeep-crash-${new Date().toISOString().replace(/[:.]/g, '-')}-${context.pid}.txt`
  const text = redact(`${reportLines(error, context).join('\n')}\n`)
  for (const folder of [stateFolder(context.env), tmpdir()]) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const path = join(folder, name)
      const file = await openPrivateFile(path, 'create')
      await file.writeFile(text).finally(() => file.close())
      return path
    } catch {
      // The next folder may do; the bug itself is the error to report.
    }
  }
  return undefined
}

const stateFolder = ({ XDG_STATE_HOME = '', HOME = homedir() }: ProcessContext['env']): string =>
  // A relative path is to be ignored (XDG Base Directory Specification).
  join(isAbsolute(XDG_STATE_HOME) ? XDG_STATE_HOME : join(HOME, '.local', 'state'), 'chatkeep')

const reportLines = (error: unknown, { argv, platform }: CrashContext): readonly string[] => [
  `chatkeep ${packageVersion()}, ${platform}`,
  new Date().toISOString(),
  ['chatkeep', ...withoutValues(argv)].join(' '),
  ...causesOf(error).flatMap((cause, index) => [
    `${index === 0 ? 'error' : 'caused by'}: ${cause.name}${codeOf(cause)}: ${safeMessage(cause)}`,
    ...framesOf(cause),
  ]),
]

const withoutValues = ([command = '', ...words]: readonly string[]): readonly string[] =>
  [command, ...words].map((word, index) => {
    if (word.startsWith('--')) return word.replace(/=.*/s, '=...')
    return index === 0 || word.startsWith('-') ? word.slice(0, word.startsWith('-') ? 2 : undefined) : '...'
  })

const causesOf = (error: unknown): readonly Error[] =>
  error instanceof Error ? [error, ...causesOf(error.cause)] : error === undefined ? [] : [new Error(typeof error)]

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? ` [${error.code.slice(0, 40)}]` : ''

/** Errors of the engine: their texts name properties and types. */
const ENGINE_ERRORS = ['TypeError', 'ReferenceError', 'RangeError']

// Others may quote what people wrote.
const safeMessage = ({ name, message }: Error): string =>
  ENGINE_ERRORS.includes(name) ? message.replace(/(["'`]).*\1/gs, '$1...$1') : '(text left out)'

const framesOf = ({ stack = '' }: Error): readonly string[] => stack.split('\n').filter((line) => /^ +at /.test(line))
