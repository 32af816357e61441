import { COMMIT_LOCALLY } from '../../database/durability/commit-locally.js'
import { BARRIER } from '../../database/durability/commit-barrier.js'
import type { ScriptForm } from '../plan/draft-steps.js'

/** How long a script waits for a lock. */
export const LOCK_TIMEOUT = `lock_timeout = '300ms'`

/** Makes one transaction of statements, unless all of the script is one. */
export const bracket = (form: ScriptForm, statements: readonly string[]): readonly string[] =>
  form === 'transaction' || statements.length === 0
    ? statements
    : ['BEGIN', `SET LOCAL ${LOCK_TIMEOUT}`, COMMIT_LOCALLY, ...statements, 'COMMIT']

/** The last statement of a script, outside of its transactions: they committed on this server alone. */
export const waitForStandbys: readonly string[] = [
  '-- wait until synchronous standbys, if there are any, have it; no lock is held',
  BARRIER.trim(),
]

/** The text of a script. @param body statements without their semicolons, and comments */
export const joinScript = (head: string, body: readonly string[]): string =>
  [head, ...body.map((statement) => (statement.startsWith('--') ? `\n${statement}` : `${statement};`))].join('\n')

/** Quotes the body of a DO block or a function. A name in it can contain the tag. */
export const dollarQuoted = (text: string): string => {
  let tag = 'check'
  while (text.includes(`$${tag}`)) tag += '_'
  return `$${tag}$${text}$${tag}$`
}
