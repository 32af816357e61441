import { printable, type Render } from '../terminal/render.js'

interface Case {
  readonly name: string
  readonly expected: string
  readonly found: string
  readonly ok: boolean
}

/** The cases of a scenario: what each expected and what it found. */
export const renderCases = (cases: readonly Case[], paint: Render['paint']): readonly string[] =>
  cases.flatMap(({ name, expected, found, ok }) => [
    `${ok ? paint.green('ok  ') : paint.red('FAIL')}  ${name}`,
    `      expected: ${expected}`,
    `      found:    ${printable(found)}`,
  ])
