import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { splitStatements } from '../../src/migrations/ledger/split-statements.js'
import type { NextStepDocument } from '../../src/next-step.js'
import { runChatkeep, type Run } from './chatkeep.js'
import type { TestDatabase } from './database.js'

const run = promisify(execFile)

/** A printed command line as a shell understands it: its words, without the program's name. */
export const shellWords = async (commandLine: string): Promise<readonly string[]> => {
  const { stdout } = await run('sh', ['-c', `printf '%s\\0' ${commandLine}`])
  return stdout.split('\0').slice(1, -1)
}

/** Types a printed command of chatkeep where the database is named by the environment, as in `on`. */
export const typeCommand = async (commandLine: string, { url }: Pick<TestDatabase, 'url'>): Promise<Run> => {
  if (!commandLine.startsWith('chatkeep ')) throw new Error(`not a command of chatkeep: ${commandLine}`)
  return runChatkeep(await shellWords(commandLine), { env: { DATABASE_URL: url } })
}

/**
 * Types the steps that were printed, in their order, as their reader would: the first of several ways that can be typed.
 * @returns what was typed
 */
export const typeSteps = async (
  database: TestDatabase,
  steps: readonly NextStepDocument[],
): Promise<readonly string[]> => {
  const typed: string[] = []
  for (const { kind, text } of chosen(steps)) {
    typed.push(text)
    if (kind === 'command') {
      const { exitCode, stderr } = await typeCommand(text, database)
      if (exitCode !== 0) throw new Error(`${text} ended with ${exitCode}: ${stderr}`)
      continue
    }
    // One by one, as psql sends them: CONCURRENTLY and ALTER SYSTEM run in no transaction.
    for (const { sql } of await splitStatements(text)) await database.query(sql)
  }
  return typed
}

const canBeTyped = ({ kind, text }: NextStepDocument): boolean =>
  kind === 'sql'
    ? !text.startsWith('\\')
    : kind === 'command' && text.startsWith('chatkeep ') && !text.includes(' explain ')

/** Of each step and its alternatives, the first that can be typed. */
const chosen = (steps: readonly NextStepDocument[]): readonly NextStepDocument[] =>
  steps
    .reduce<NextStepDocument[][]>((groups, step) => {
      const last = groups.at(-1)
      if (step.alternative && last !== undefined) last.push(step)
      else groups.push([step])
      return groups
    }, [])
    .flatMap((ways) => ways.find(canBeTyped) ?? [])
