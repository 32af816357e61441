import { createSeal } from './sealed-text.js'

/** What this server tells the others: readable with the operator secret only, and only once. */
export interface SealedChannel {
  close(text: string): string
  /** `strange`: sealed with another secret, or for another database or schema. `old`: seen already, or too old to tell. */
  open(sealed: string): Opened
}

export type Opened = { readonly text: string } | 'strange' | 'own' | 'old'

export interface SealedChannelParts {
  readonly operatorSecret: string
  /** What the servers share: a text sealed for another database or schema does not open. */
  readonly purpose: readonly [database: string, schema: string]
  /** Names this process. */
  readonly self: string
  /** Milliseconds, on the clock of the database, which all servers share. */
  readonly now: () => number
}

/** A text is on its way for less: what waits longer is dropped with its connection. */
const LONGEST_WAY_MS = 60_000

/** Sender, number and time, then the text. */
const ENVELOPE = /^(\w+) (\d+) (\d+) /

interface Sender {
  readonly counter: number
  readonly sentAt: number
}

/**
 * Any role of the database can record what it hears and send it again. So each text says who sends it, its number and when, and
 * is opened once. A sender is remembered as long as its last text could be sent again; only servers with the secret are.
 */
export const createSealedChannel = ({ operatorSecret, purpose, self, now }: SealedChannelParts): SealedChannel => {
  const seal = createSeal(operatorSecret, JSON.stringify(['chatkeep adapter', ...purpose]))
  const senders = new Map<string, Sender>()
  let sent = 0

  const isNew = (sender: string, counter: number, sentAt: number): boolean => {
    const age = now() - sentAt
    if (Math.abs(age) > LONGEST_WAY_MS || counter <= (senders.get(sender)?.counter ?? 0)) return false
    for (const [known, last] of senders) {
      if (now() - last.sentAt > 2 * LONGEST_WAY_MS) senders.delete(known)
    }
    senders.set(sender, { counter, sentAt })
    return true
  }

  return {
    close: (text) => seal.close(`${self} ${(sent += 1)} ${Math.round(now())} ${text}`),
    open: (sealed) => {
      const opened = seal.open(sealed)
      const [heading, sender, counter, sentAt] = opened === undefined ? [] : (ENVELOPE.exec(opened) ?? [])
      if (opened === undefined || heading === undefined || sender === undefined) return 'strange'
      if (sender === self) return 'own'
      return isNew(sender, Number(counter), Number(sentAt)) ? { text: opened.slice(heading.length) } : 'old'
    },
  }
}
