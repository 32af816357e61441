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

/**
 * Takes one payload, and the session that sent it; returns the whole text with its last fragment.
 * @param process the process of the sender's session, which nobody can choose: no stranger can spoil what another has begun
 */
export type JoinFragments = (
  payload: string,
  process: number,
) => { readonly sender: string; readonly text: string } | undefined

interface Begun {
  readonly fragments: string[]
  readonly characters: number
  readonly at: number
}

/** Of all unfinished texts; the oldest are given up above it. */
const MAX_CHARACTERS = 64 * 1_048_576

/** The fragments of a text are sent in one statement. */
const LONGEST_PAUSE_MS = 10_000

/**
 * Joins the fragments of other senders. A session's payloads arrive in order and its texts are not interleaved; a text without
 * its first fragments, because listening began in the middle, is dropped.
 */
export const createFragmentJoiner = (self: string, now: () => number = () => performance.now()): JoinFragments => {
  const begun = new Map<number, Begun>()
  let characters = 0
  const giveUp = (process: number): void => {
    characters -= begun.get(process)?.characters ?? 0
    begun.delete(process)
  }
  const begin = (process: number, text: Begun): void => {
    begun.set(process, text)
    characters += text.characters
    // The map is in the order of the latest fragments.
    for (const [oldest, { at }] of begun) {
      if (characters <= MAX_CHARACTERS && now() - at <= LONGEST_PAUSE_MS) break
      giveUp(oldest)
    }
  }
  return (payload, process) => {
    const [heading, sender = '', index, count] = FRAGMENT.exec(payload) ?? []
    if (heading === undefined || sender === self || Number(count) > MAX_FRAGMENTS) return undefined
    const earlier = Number(index) === 0 ? undefined : begun.get(process)
    giveUp(process)
    if (Number(index) !== (earlier?.fragments.length ?? 0)) return undefined
    const fragment = payload.slice(heading.length)
    const fragments = earlier?.fragments ?? []
    fragments.push(fragment)
    if (fragments.length === Number(count)) return { sender, text: fragments.join('') }
    begin(process, { fragments, characters: (earlier?.characters ?? 0) + fragment.length, at: now() })
    return undefined
  }
}
