import { SERVER_STATES, type ServerState } from '../database/errors/server-states.js'
import { OperatorError } from '../errors.js'
import { describeSteps, toStepDocuments } from '../next-step.js'
import type { Answer } from '../terminal/answer.js'
import type { Render } from '../terminal/render.js'
import { wrapText } from '../terminal/wrap.js'
import { explainedCodes, type ExplainedCode } from './explained-codes.js'
import { didYouMean } from '../terminal/nearest-word.js'

/**
 * The explanation of a finding's code or of a SQLSTATE, or the list of all codes.
 * @throws OperatorError `unknown_code`
 */
export const explainCode = (code: string | undefined): Answer => {
  const all = explainedCodes()
  if (code === undefined) return listing(all)
  const found = all.find((candidate) => candidate.code === code)
  if (found !== undefined) return page(found)
  const sqlState = code.toUpperCase()
  const state = SERVER_STATES[sqlState]
  if (state === undefined) throw unknownCode(code)
  return statePage(sqlState, state)
}

/** All codes with their titles, for completion in the shell. */
export const codeCandidates = (): readonly (readonly [string, string])[] => [
  ...explainedCodes().map(({ code, title }) => [code, title] as const),
  ...Object.entries(SERVER_STATES).map(([code, { sentence }]) => [code, sentence] as const),
]

const knownCodes = (): readonly string[] => codeCandidates().map(([code]) => code)

const listing = (all: readonly ExplainedCode[]): Answer => ({
  data: { codes: all.map(({ code, severities, title }) => ({ code, severities, title })) },
  text: ({ paint }) =>
    [
      ...all.map(
        ({ code, severities, title }) =>
          `${paint.bold(code)}${gapAfter(code, all)}${severities.join(' or ')}: ${title}`,
      ),
      '',
      `${all.length} codes. Details: chatkeep explain CODE, also with a SQLSTATE such as 55P03`,
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

const statePage = (code: string, state: ServerState): Answer => {
  const { condition, sentence, next, exitCode, retryable } = state
  return {
    data: { code, condition, sentence, next: describeSteps(next), steps: toStepDocuments(next), exitCode, retryable },
    text: (render) =>
      [
        `${render.paint.bold(code)} (${condition}): ${sentence}`,
        ...section('Next', describeSteps(next), render),
        ...section('Exit code', describeEnd(state), render),
      ].join('\n'),
  }
}

/** The exit code of a SQLSTATE in words. */
export const describeEnd = ({ exitCode, retryable }: ServerState): string =>
  retryable ? `${exitCode}, the same command may succeed later` : String(exitCode)

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
  new OperatorError('unknown_code', `no finding and no known SQLSTATE has the code ${JSON.stringify(code)}`, {
    hint: didYouMean(code, knownCodes(), 'list all codes: chatkeep explain', (meant) => `chatkeep explain ${meant}`),
  })
