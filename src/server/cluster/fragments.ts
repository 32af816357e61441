/** PostgreSQL accepts payloads below 8,000 bytes; the rest is for the heading. */
const FRAGMENT_CHARACTERS = 7_900

/** More than one message or list of participants needs; bounds the memory that a stranger could make the server use. */
const MAX_FRAGMENTS = 4_096

/** `sender index count`, then the fragment. */
const FRAGMENT = /^(\w+) (\d+) (\d+) /

/** Splits an ASCII text into payloads that name their sender. */
export const toFragments = (sender: string, text: string): readonly string[] => {
  const count = Math.max(1, Math.ceil(text.length / FRAGMENT_CHARACTERS))
  return Array.from(
    { length: count },
    (_, index) =>
      `${sender} ${index} ${count} ${text.slice(index * FRAGMENT_CHARACTERS, (index + 1) * FRAGMENT_CHARACTERS)}`,
  )
}

/** Takes one payload; returns the whole text with its last fragment. */
export type JoinFragments = (payload: string) => { readonly sender: string; readonly text: string } | undefined

/**
 * Joins the fragments of other senders. A sender's payloads arrive in order and its texts are not interleaved; a text without
 * its first fragments, because listening began in the middle, is dropped.
 */
export const createFragmentJoiner = (self: string): JoinFragments => {
  const begun = new Map<string, readonly string[]>()
  return (payload) => {
    const [heading, sender = '', index, count] = FRAGMENT.exec(payload) ?? []
    if (heading === undefined || sender === self || Number(count) > MAX_FRAGMENTS) return undefined
    const earlier = begun.get(sender) ?? []
    begun.delete(sender)
    if (Number(index) !== 0 && Number(index) !== earlier.length) return undefined
    const fragments = [...(Number(index) === 0 ? [] : earlier), payload.slice(heading.length)]
    if (fragments.length === Number(count)) return { sender, text: fragments.join('') }
    begun.set(sender, fragments)
    return undefined
  }
}
