/** PostgreSQL takes payloads below 8,000 bytes; the rest is for the heading. */
const FRAGMENT_CHARACTERS = 7_900

/** Above what one message or one list of participants takes; a bound for what a stranger could make us gather. */
const MAX_FRAGMENTS = 4_096

/** `sender index count`, then the fragment. */
const FRAGMENT = /^(\w+) (\d+) (\d+) /

/** Cuts an ASCII text into payloads that name their sender. */
export const toFragments = (sender: string, text: string): readonly string[] => {
  const count = Math.max(1, Math.ceil(text.length / FRAGMENT_CHARACTERS))
  return Array.from(
    { length: count },
    (_, index) =>
      `${sender} ${index} ${count} ${text.slice(index * FRAGMENT_CHARACTERS, (index + 1) * FRAGMENT_CHARACTERS)}`,
  )
}

/** Takes payloads as they come, and gives each text when its last fragment is there. */
export type JoinFragments = (payload: string) => { readonly sender: string; readonly text: string } | undefined

/**
 * Puts the texts of other senders together again. A sender's payloads come in order and texts are not interleaved; one that lacks
 * a fragment, since listening began in its middle, is dropped.
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
