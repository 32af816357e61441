import { isRule } from './expected-output.js'
import type { Fence } from './markdown.js'

/** A fence of a guide, and the fence with the output that it should have. */
export interface Step {
  readonly fence: Fence
  readonly output: Fence | undefined
}

/** Pairs the SQL of a guide with its expected output. A fence that is an output is no step of its own. */
export const stepsOf = (fences: readonly Fence[]): readonly Step[] => {
  const outputs = new Set<Fence>()
  return fences.flatMap((fence, index): readonly Step[] => {
    if (outputs.has(fence)) return []
    const next = fences[index + 1]
    const output = isSql(fence) && next !== undefined && isOutput(next) ? next : undefined
    if (output !== undefined) outputs.add(output)
    return [{ fence, output }]
  })
}

export const isSql = ({ language }: Fence): boolean =>
  ['sql', 'postgresql', 'postgres', 'pgsql', 'psql'].includes(language)

const OUTPUT_LANGUAGES = ['output', 'expected', 'result']
const TEXT_LANGUAGES = ['', 'text', 'txt', 'plain', 'plaintext', 'console']

// What the guide calls expected is held to it, table or not. Without these words, a table is needed to be taken for one.
const isOutput = (fence: Fence): boolean => {
  const { language, before } = fence
  if (before.some(({ kind }) => kind === 'heading')) return false
  if (OUTPUT_LANGUAGES.includes(language)) return true
  if (!TEXT_LANGUAGES.includes(language)) return false
  const introduction = before.at(-1)?.text
  if (introduction !== undefined && /\bexpected (output|results?)\b/i.test(introduction)) return true
  return (introduction === undefined || /\b(output|results?|expected)\b/i.test(introduction)) && hasTable(fence)
}

/** Whether one of the lines is a rule between head and rows. */
const hasTable = ({ lines }: Fence): boolean => lines.some(({ text }) => isRule(text))
