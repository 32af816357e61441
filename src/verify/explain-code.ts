import { OperatorError } from '../errors.js'
import type { Answer } from '../terminal/answer.js'
import type { Render } from '../terminal/render.js'
import { wrapText } from '../terminal/wrap.js'
import { explainedCodes, type ExplainedCode } from './explained-codes.js'
import { didYouMean } from '../terminal/nearest-word.js'

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

/** All codes with their titles, for completion in the shell. */
export const codeCandidates = (): readonly (readonly [string, string])[] =>
  explainedCodes().map(({ code, title }) => [code, title])

const knownCodes = (): readonly string[] => explainedCodes().map(({ code }) => code)

const listing = (all: readonly ExplainedCode[]): Answer => ({
  data: { codes: all.map(({ code, severities, title }) => ({ code, severities, title })) },
  text: ({ paint }) =>
    [
      ...all.map(
        ({ code, severities, title }) =>
          `${paint.bold(code)}${gapAfter(code, all)}${severities.join(' or ')}: ${title}`,
      ),
      '',
      `${all.length} codes. Details: chatkeep explain CODE`,
    ].join('\n'),
})

const gapAfter = (code: string, all: readonly ExplainedCode[]): string =>
  ' '.repeat(Math.max(...all.map((other) => other.code.length)) - code.length + 2)

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

const section = (head: string, text: string, { paint, width }: Render): readonly string[] => [
  '',
  paint.bold(head),
  ...wrapText(text, Math.min(width, WIDEST) - 2, 0)
    .split('\n')
    .map((line) => `  ${line}`),
]

/** Longer lines are hard to read. */
const WIDEST = 90

const unknownCode = (code: string): OperatorError =>
  new OperatorError('unknown_code', `no finding has the code ${JSON.stringify(code)}`, {
    hint: didYouMean(code, knownCodes(), 'list all codes: chatkeep explain', (meant) => `chatkeep explain ${meant}`),
  })
