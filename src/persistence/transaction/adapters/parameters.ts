/** A statement as a library takes it that numbers parameters itself. */
export interface SplitStatement {
  /** The text before, between and after the parameters. */
  readonly pieces: readonly string[]
  /** A value for each gap. */
  readonly values: readonly unknown[]
}

// Names and strings are skipped: a schema may be called "a$1".
const PARAMETER = /"(?:[^"]|"")*"|'(?:[^']|'')*'|\$(\d+)/g

/** Splits a statement at its parameters, `$1` and so on. */
export const splitAtParameters = (text: string, values: readonly unknown[]): SplitStatement => {
  const pieces: string[] = []
  const inOrder: unknown[] = []
  let start = 0
  for (const { 0: found, 1: number, index } of text.matchAll(PARAMETER)) {
    if (number === undefined) continue
    pieces.push(text.slice(start, index))
    inOrder.push(values[Number(number) - 1])
    start = index + found.length
  }
  return { pieces: [...pieces, text.slice(start)], values: inOrder }
}
