/** Characters that would break a line, move the cursor or reorder text where the command is shown. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * A name as one word of a command line that a reader may copy: quoted unless it is plain, so that a shell runs nothing of it, and
 * in one line whatever is in it.
 */
export const shellWord = (word: string): string => {
  if (/^[\w./:@=+-]+$/.test(word) && !word.startsWith('-')) return word
  return word.search(HIDDEN) >= 0 ? `"$(printf ${quoted(escaped(word))})"` : quoted(word)
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

// As printf reads its format: each byte by its octal number.
const escaped = (word: string): string =>
  word
    .replaceAll('%', '%%')
    .replaceAll('\\', String.raw`\\`)
    .replace(HIDDEN, (character) =>
      Array.from(Buffer.from(character), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
    )
