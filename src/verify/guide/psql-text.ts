/** A value, as the server's text of it, in the way psql prints it in a table: NULL is empty, control characters are shown. */
export const psqlText = (value: string | null): string =>
  (value ?? '')
    .split('\n')
    .map(expandTabs)
    .join('\n')
    .replaceAll('\r', String.raw`\r`)
    .replace(CONTROL, escapeControl)

const TAB_WIDTH = 8

const expandTabs = (line: string): string =>
  line
    .split('\t')
    .reduce((done, part) => `${done}${' '.repeat(TAB_WIDTH - (Array.from(done).length % TAB_WIDTH))}${part}`)

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g

const escapeControl = (character: string): string =>
  String.raw`\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** Whether psql would print the value like this, but for white space that aligns. */
export const isPrintedAs = (value: string | null, expected: string): boolean =>
  psqlText(value)
    .split('\n')
    .map((line) => line.trim())
    .join('\n') === expected
