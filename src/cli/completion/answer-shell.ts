import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings'
import type { Environment } from '../environment.js'
import type { Candidate, Offer } from './candidate.js'
import { questionAt } from './question.js'
import { offerFor } from './source.js'
import { splitLine } from './split-line.js'

/**
 * Answers the script of a shell: `complete bash -- LINE`, or `complete zsh|fish|powershell -- WORD…`.
 * @returns `files`, `folders` or `words`; then one candidate a line, with a tab before what it is for
 */
export const answerShell = async (
  argv: readonly string[],
  env: Environment,
  commands: readonly CommandUnknownOpts[],
): Promise<string> => {
  const [, shell = '', , ...given] = argv
  const words = wordsOf(shell, given)
  const last = words.at(-1) ?? ''
  const { offer, prefix } = await offerAt(words.slice(0, -1), last, env, commands)
  if (offer === 'files' || offer === 'folders') return `${offer}\n`
  const cut = cutAt(shell, last)
  const lines = offer
    .map(([word, purpose]) => [`${prefix}${word}`, purpose] as const)
    .filter(([word]) => word.startsWith(last) && !/[\n\t]/.test(word))
    .map(([word, purpose]) => `${word.slice(cut)}\t${purpose}\n`)
  return `words\n${lines.join('')}`
}

const wordsOf = (shell: string, given: readonly string[]): readonly string[] => {
  if (shell === 'bash') return splitLine(given[0] ?? '').slice(1)
  // PowerShell leaves out empty words, so its script marks the last one.
  return shell === 'powershell' ? [...given.slice(0, -1), (given.at(-1) ?? '').slice(1)] : given
}

/** How much of the last word the shell keeps: bash what is before the last `=` or `:`, zsh a flag with its `=`. */
const cutAt = (shell: string, last: string): number => {
  if (shell === 'bash') return Math.max(last.lastIndexOf('='), last.lastIndexOf(':')) + 1
  return shell === 'zsh' && last.startsWith('-') ? last.indexOf('=') + 1 : 0
}

const offerAt = async (
  words: readonly string[],
  last: string,
  env: Environment,
  commands: readonly CommandUnknownOpts[],
): Promise<{ readonly offer: Offer; readonly prefix: string }> => {
  const question = questionAt(words, last, commands)
  const names = commands.map((command) => [command.name(), command.summary()] as const)
  switch (question.about) {
    case 'commands':
      return { offer: names, prefix: '' }
    case 'flags':
      return { offer: question.flags.map(toCandidate), prefix: '' }
    case 'value': {
      const { item, typed, prefix } = question
      return { offer: await offerFor(item, { env, typed, commands: names }), prefix }
    }
    case 'nothing':
      return { offer: [], prefix: '' }
  }
}

const toCandidate = ({ long, flags, description }: Option): Candidate => [long ?? flags, description]
