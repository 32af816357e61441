/** The words of an unfinished line as a POSIX shell reads it; the last one is what is being typed, '' behind a space. */
export const splitLine = (line: string): readonly string[] => {
  const words = Array.from(line.matchAll(WORD), ([word]) => word.replace(QUOTED, unquote))
  return /(?:^|[^\\])\s$/.test(line) || line === '' ? [...words, ''] : words
}

// The last quote may still be open.
const WORD = /(?:[^\s'"\\]|\\.|'[^']*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|\\$)+/gs
const QUOTED = /\\(.)|'([^']*)(?:'|$)|"((?:[^"\\]|\\.)*)(?:"|$)|\\$/gs

const unquote = (_: string, escaped?: string, single?: string, double?: string): string =>
  escaped ?? single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? ''
