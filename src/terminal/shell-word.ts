/**
 * A name as one word of a command line that a reader may copy: quoted unless it is plain, so that a shell runs nothing of it.
 */
export const shellWord = (word: string): string =>
  /^[\w./:@=+-]+$/.test(word) && !word.startsWith('-') ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
