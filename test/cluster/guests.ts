import { setTimeout as delay } from 'node:timers/promises'
import { createChatClient } from '../../src/client/chat-client.js'

/** Guests who write without pause, one message after another, and send each until it is acknowledged. */
export interface Guests {
  /** Messages that were acknowledged so far, by their text. */
  acknowledged(): ReadonlySet<string>
  /** The longest time in which nobody was acknowledged anything, in milliseconds. */
  longestGapMs(): number
  /** Rejects when a message was refused for good. */
  readonly failed: Promise<unknown>
  /** Resolves when the last message of each is acknowledged. */
  stop(): Promise<void>
}

/** So that ten guests write a few hundred messages a second at most. */
const PAUSE_MS = 20

export const startGuests = (url: string, label: string, count = 10): Guests => {
  const acknowledged = new Set<string>()
  const stopping = new AbortController()
  let lastAt = performance.now()
  let longestGapMs = 0

  const note = (text: string): void => {
    const now = performance.now()
    longestGapMs = Math.max(longestGapMs, now - lastAt)
    lastAt = now
    acknowledged.add(text)
  }

  const write = async (guest: number): Promise<void> => {
    const client = createChatClient({
      url,
      join: { role: 'client', username: `${label} ${guest}` },
      answerTimeoutMs: 5_000,
    })
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      const text = `${label} ${guest} ${n}`
      await client.send({ message: text })
      note(text)
      await delay(PAUSE_MS)
    }
    await client.close()
  }

  const writing = Promise.all(Array.from({ length: count }, (_, guest) => write(guest)))
  // Whoever waits for it learns of it.
  writing.catch(() => undefined)
  return {
    failed: writing,
    acknowledged: () => acknowledged,
    longestGapMs: () => longestGapMs,
    stop: async () => {
      stopping.abort()
      await writing
    },
  }
}
