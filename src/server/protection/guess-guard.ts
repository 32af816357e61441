import type { ChatLog } from '../../chat-log.js'
import { forgetOldest } from '../../collections/forget-oldest.js'

/** Slows down guessing of operator secrets, for each address and in all, and logs it once a minute. */
export interface GuessGuard {
  /** Milliseconds until a join from this address is considered again; 0 = now. */
  waitMs(address: string): number
  /** Called with each wrong secret, and with each join that came too early. */
  refused(address: string, reason: 'wrong' | 'early'): void
  /** Logs what is not logged yet. */
  close(): void
}

/** Wrong secrets of one address without a wait: a person mistypes. */
const FREE = 4
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 60_000
/** With more wrong secrets than this in a minute, from all addresses, one wrong secret costs an address the longest wait. */
const MOST_A_MINUTE = 60
const MINUTE_MS = 60_000
const MAX_ADDRESSES = 10_000
const MAX_LOGGED = 10

interface Guesser {
  readonly wrong: number
  readonly at: number
}

/** An address that made no mistake never waits, whatever the others do. */
export const createGuessGuard = (log: ChatLog, now: () => number = () => performance.now()): GuessGuard => {
  const guessers = new Map<string, Guesser>()
  const report = createReport(log)
  let minute = { startedAt: now(), wrong: 0 }

  const note = (address: string): void => {
    const at = now()
    const wrong = (guessers.get(address)?.wrong ?? 0) + 1
    // The newest last, so the oldest is forgotten first.
    guessers.delete(address)
    guessers.set(address, { wrong, at })
    forgetOldest(guessers, MAX_ADDRESSES)
    if (at - minute.startedAt > MINUTE_MS) minute = { startedAt: at, wrong: 0 }
    minute.wrong += 1
  }

  return {
    waitMs: (address) => {
      const guesser = guessers.get(address)
      if (guesser === undefined) return 0
      const waited = now() - guesser.at
      if (waited > FORGOTTEN_AFTER_MS) guessers.delete(address)
      const isFlood = minute.wrong > MOST_A_MINUTE && now() - minute.startedAt <= MINUTE_MS
      return Math.max(0, (isFlood ? LONGEST_WAIT_MS : backOffMs(guesser.wrong)) - waited)
    },
    refused: (address, reason) => {
      if (reason === 'wrong') note(address)
      report.add(address)
    },
    close: () => report.close(),
  }
}

const FORGOTTEN_AFTER_MS = 15 * MINUTE_MS

const backOffMs = (wrong: number): number =>
  wrong <= FREE ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (wrong - FREE - 1))

/** The first refusal is logged at once; those of the minute after it together at its end. */
const createReport = (log: ChatLog): { add(address: string): void; close(): void } => {
  const addresses = new Set<string>()
  let count = 0
  let timer: NodeJS.Timeout | undefined
  const write = (): void => {
    timer = undefined
    if (count === 0) return
    log.warn(
      { event: 'operator_refused', count, addresses: [...addresses].join(' ') },
      'operator refused: no secret, or a wrong one',
    )
    count = 0
    addresses.clear()
    timer = setTimeout(write, MINUTE_MS).unref()
  }
  return {
    add: (address) => {
      count += 1
      if (addresses.size < MAX_LOGGED) addresses.add(address)
      if (timer === undefined) write()
    },
    close: () => {
      clearTimeout(timer)
      write()
      clearTimeout(timer)
    },
  }
}
