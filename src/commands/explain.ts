import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import type { CommandResult, Run } from '../cli/command.js'
import { withOutputFlags } from '../cli/flags.js'
import type { Render } from '../terminal/render.js'
import { OperatorError } from '../errors.js'
import type { ExplainedCode } from '../verify/codes.js'

const DETAILS = `
No database is asked.

Examples:
  chatkeep explain                 every code, with a line each
  chatkeep explain index_invalid   what it means, how it comes about, how to mend it`

const WIDTH = 90

export const explainCommand = (run: Run) =>
  withOutputFlags(new Command('explain'))
    .summary('say what a finding of verify means, how it comes about and how to mend it')
    .description('Explains the codes that verify shows before each finding.')
    .argument('[code]', 'the code of a finding; all codes when absent')
    .addHelpText('after', DETAILS)
    .action(
      run(async (_context, code): Promise<CommandResult> => {
        const { explainedCodes } = await import('../verify/codes.js')
        const all = explainedCodes()
        if (code === undefined) return listing(all)
        const found = all.find((candidate) => candidate.code === code)
        if (found === undefined) throw await unknownCode(code, all)
        return page(found)
      }),
    )

/** Lets the shell complete the codes. They are not in the command itself, whose help must load nothing. */
export const completeCodes = async (commands: readonly CommandUnknownOpts[]): Promise<void> => {
  const { explainedCodes } = await import('../verify/codes.js')
  const argument = commands.find((command) => command.name() === 'explain')?.registeredArguments[0]
  argument?.choices(explainedCodes().map(({ code }) => code))
}

const listing = (all: readonly ExplainedCode[]): CommandResult => ({
  data: { codes: all.map(({ code, severities, title }) => ({ code, severities, title })) },
  text: (render) =>
    [
      render.table(
        ['code', 'severity', 'what was found'],
        all.map(({ code, severities, title }) => [code, severities.join(', '), title]),
      ),
      '',
      `${all.length} codes. More on each: chatkeep explain CODE`,
    ].join('\n'),
})

const page = ({ code, title, severities, meaning, cause, remedy }: ExplainedCode): CommandResult => ({
  data: { code, severities, title, meaning, cause, remedy },
  text: (render) =>
    [
      `${render.paint.bold(code)} (${severities.join(' or ')}): ${title}`,
      ...section('What it means', meaning, render),
      ...section('How it comes about', cause, render),
      ...section('How to mend it', remedy, render),
    ].join('\n'),
})

const section = (head: string, text: string, { paint }: Render): readonly string[] => [
  '',
  paint.bold(head),
  ...wrap(text, WIDTH - 2).map((line) => `  ${line}`),
]

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

const unknownCode = async (code: string, all: readonly ExplainedCode[]): Promise<OperatorError> => {
  const { nearestWord } = await import('../cli/nearest-word.js')
  const nearest = nearestWord(
    code,
    all.map((known) => known.code),
  )
  return new OperatorError('unknown_code', `no finding has the code ${JSON.stringify(code)}`, {
    hint:
      nearest === undefined
        ? 'chatkeep explain lists all codes'
        : `did you mean ${nearest}? chatkeep explain ${nearest}`,
  })
}
