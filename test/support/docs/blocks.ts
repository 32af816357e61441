/** A fenced block of a page. */
export interface Block {
  /** The first word behind the fence: `console`, `ts`, `json`, … */
  readonly language: string
  /** The rest of the line behind the fence. */
  readonly note: string
  readonly content: string
  /** The block as it stands on the page. */
  readonly source: string
}

const BLOCK = /^```(\w+)[ ]?([^\n]*)\n([\s\S]*?)^```$/gm

export const blocksOf = (text: string): readonly Block[] =>
  Array.from(text.matchAll(BLOCK), ([source, language = '', note = '', content = '']) => ({
    language,
    note,
    content,
    source,
  }))

/** A ```console block: the command after `$ chatkeep`, and the screen below it. */
export interface ConsoleBlock {
  readonly argv: readonly string[]
  readonly screen: string
  readonly source: string
}

export const consoleBlocksOf = (text: string): readonly ConsoleBlock[] =>
  blocksOf(text)
    .filter(({ language }) => language === 'console')
    .map(({ content, source }) => {
      const [, command, screen = ''] = /^\$ chatkeep ([^\n]*)\n([\s\S]*)$/.exec(content) ?? []
      if (command === undefined) throw new Error(`a console block has no "$ chatkeep" in its first line: ${source}`)
      return { argv: command.split(' '), screen, source }
    })

export const renderConsoleBlock = (argv: readonly string[], screen: string): string =>
  `\`\`\`console\n$ chatkeep ${argv.join(' ')}\n${screen}\`\`\``
