import { printable, type Render } from '../../terminal/render.js'
import type { CaseResult } from './judge.js'

/** The cases of a scenario: what each expected and what it found. */
export const renderCases = (cases: readonly CaseResult[], paint: Render['paint']): readonly string[] =>
  cases.flatMap(({ name, expected, found, ok }) => [
    `${ok ? paint.green('ok  ') : paint.red('FAIL')}  ${name}`,
    `      expected: ${expected}`,
    `      found:    ${printable(found)}`,
  ])
