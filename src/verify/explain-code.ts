import { OperatorError } from '../errors.js'
import type { Answer } from '../terminal/answer.js'
import type { Render } from '../terminal/render.js'
import { explainedCodes, type ExplainedCode } from './explained-codes.js'
import { nearestWord } from './nearest-word.js'

/**
 * The explanation of a finding's code, or the list of all codes.
 * @throws OperatorError `unknown_code`
 */
export const explainCode = (code: string | undefined): Answer => {
  const all = explainedCodes()
  if (code === undefined) return listing(all)
  const found = all.find((candidate) => candidate.code === code)
  if (found === undefined) throw unknownCode(code)
  return page(found)
}

/** All codes, for completion in the shell. */
export const knownCodes = (): readonly string[] => explainedCodes().map(({ code }) => code)

const listing = (all: readonly ExplainedCode[]): Answer => ({
  data: { codes: all.map(({ code, severities, title }) => ({ code, severities, title })) },
  text: (render) =>
    [
      render.table(
        ['code', 'severity', 'what was found'],
        all.map(({ code, severities, title }) => [code, severities.join(', '), title]),
      ),
      '',
      `${all.length} codes. Details: chatkeep explain CODE`,
    ].join('\n'),
})

const page = ({ code, title, severities, meaning, cause, remedy }: ExplainedCode): Answer => ({
  data: { code, severities, title, meaning, cause, remedy },
  text: (render) =>
    [
      `${render.paint.bold(code)} (${severities.join(' or ')}): ${title}`,
      ...section('Meaning', meaning, render),
      ...section('Cause', cause, render),
      ...section('Fix', remedy, render),
    ].join('\n'),
})

const section = (head: string, text: string, { paint }: Render): readonly string[] => [
  '',
  paint.bold(head),
  ...wrap(text, WIDTH - 2).map((line) => `  ${line}`),
]

const WIDTH = 90

const wrap = (text: string, width: number): readonly string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

const unknownCode = (code: string): OperatorError => {
  const nearest = nearestWord(code, knownCodes())
  return new OperatorError('unknown_code', `no finding has the code ${JSON.stringify(code)}`, {
    hint:
      nearest === undefined
        ? 'list all codes: chatkeep explain'
        : `did you mean ${nearest}? chatkeep explain ${nearest}`,
  })
}
