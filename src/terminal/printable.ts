/** Control characters, those that reorder text or break lines, and halves of characters. */
const HIDDEN = String.raw`\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff`

/** What our own paint writes: bold, dim, four colours, and their ends. A terminal can be told much else. */
const PAINT = String.raw`\u001b\[(?:1|2|22|31|32|33|36|39)m`

const ONE_LINE = new RegExp(`[${HIDDEN}]`, 'gu')
const PAINTED_LINE = new RegExp(`${PAINT}|[${HIDDEN}]`, 'gu')

/**
 * Text of unknown origin as one line for a terminal: control characters become visible, so nothing can move the cursor, begin
 * a line of its own, or reorder what is shown. In a JSON string the result means the same text.
 */
export const printable = (text: string): string => text.replace(ONE_LINE, visible)

/** A text that may have our paint in it as one line. */
export const paintedLine = (text: string): string =>
  text.replace(PAINTED_LINE, (found) => (found.length > 1 ? found : visible(found)))

/** Text of unknown origin that may have several lines, as a server's messages do; the later ones are indented. */
export const printableLines = (text: string, indent = '    '): string =>
  text
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join(`\n${indent}`)

/** A whole output: its lines and tabs stay, and our paint where there is colour. */
export const safeOutput = (text: string, colour: boolean): string =>
  text.replace(PAINTED_LINE, (found) => {
    if (found === '\n' || found === '\t' || (found.length > 1 && colour)) return found
    return found.length > 1 ? `${visible(found)}${found.slice(1)}` : visible(found)
  })

/**
 * Breaks what GitHub Actions would take for a command in a log: `::` at the start of a line, after any white space, and `##[`
 * anywhere. In a JSON string the result means the same text.
 */
export const withoutWorkflowCommands = (text: string): string =>
  text.replace(/^([^\S\n]*):(?=:)/gm, String.raw`$1\u003a`).replaceAll('##[', String.raw`#\u0023[`)

const visible = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
