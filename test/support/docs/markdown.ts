/** Where prose is wrapped. */
const WIDTH = 120

/** Words that Markdown would take for its own signs, escaped. */
export const escapeMarkdown = (text: string): string => text.replace(/[<*]/g, (sign) => `\\${sign}`)

/** Prose in lines of a readable length. */
export const filled = (text: string): string => wrap(text.replaceAll(/\s+/g, ' ').trim(), WIDTH).join('\n')

/** One entry of a list. */
export const bullet = (text: string): string => `- ${wrap(text, WIDTH - 2).join('\n  ')}`

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
