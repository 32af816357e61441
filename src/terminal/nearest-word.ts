/**
 * The hint about a word that is not known, such as `did you mean since? chatkeep metrics --help`.
 * @param otherwise the hint when no word is near
 * @param toCommand what to type with the word that was meant
 */
export const didYouMean = (
  typed: string,
  words: readonly string[],
  otherwise: string,
  toCommand?: (word: string) => string,
): string => {
  const meant = nearestWord(typed, words)
  if (meant === undefined) return otherwise
  return [`did you mean ${meant}?`, ...(toCommand === undefined ? [] : [toCommand(meant)])].join(' ')
}

/** The shortest beginning that stands for a word. */
const SHORTEST_BEGINNING = 2

/**
 * The word that was most likely meant: the only one that begins so, or the nearest one, of which at most every third letter
 * differs; undefined when none is near.
 */
export const nearestWord = (typed: string, words: readonly string[]): string | undefined => {
  const lower = typed.toLowerCase()
  const begun = words.filter((word) => word.startsWith(lower))
  if (begun.length === 1 && typed.length >= SHORTEST_BEGINNING) return begun[0]
  // Words of very different lengths differ in as many letters: a name of a megabyte is compared with none.
  const near = words
    .filter((word) => Math.abs(word.length - lower.length) <= word.length / 3)
    .map((word) => ({ word, distance: editDistance(lower, word.toLowerCase()) }))
    .filter(({ word, distance }) => distance <= word.length / 3)
    .sort((a, b) => a.distance - b.distance)
  return near[0]?.word
}

// Levenshtein, row by row.
const editDistance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [i, letter] of Array.from(from).entries()) {
    const next = [i + 1]
    for (const [j, other] of Array.from(to).entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
