import { overTraffic } from '../../protocol/refusals.js'
import { forgetOldest } from '../../collections/forget-oldest.js'
import { createAllowance, type Allowance } from './allowance.js'
import type { ChatLimits, LimitName } from './limits.js'

/** What the guests of one address may store and read in a minute. */
export interface Traffic {
  /**
   * Called before a message is stored.
   * @throws OperatorError `rate_limited`, retryable
   */
  store(username: string, bytes: number): void
  /**
   * Reads a page, and counts it.
   * @throws OperatorError `rate_limited`, retryable
   */
  read<Page>(read: () => Promise<Page>, sizeOf: (page: Page) => number): Promise<Page>
}

interface Entry {
  readonly stored: Allowance
  readonly read: Allowance
  readonly names: Allowance
  /** Names that wrote from this address lately. */
  readonly known: Set<string>
  usedAt: number
}

/** Counted until the page is there: many at once cannot read much more than they may. */
const EXPECTED_PAGE_BYTES = 256 * 1_024

/** By then every allowance is complete again. */
const FORGET_AFTER_MS = 60_000

/** The names of one address that are remembered; the oldest go. */
const MAX_KNOWN_NAMES = 10_000

/** Makes the traffic of an address; connections of one address share it. */
export const createTraffics = (
  limits: ChatLimits,
  onRefused: (limit: LimitName, address: string) => void,
  now: () => number = () => performance.now(),
): ((address: string) => Traffic) => {
  const entries = new Map<string, Entry>()
  let sweptAt = now()

  const sweep = (): void => {
    if (now() - sweptAt < FORGET_AFTER_MS) return
    sweptAt = now()
    for (const [address, { usedAt }] of entries) if (sweptAt - usedAt > FORGET_AFTER_MS) entries.delete(address)
  }
  const entryOf = (address: string): Entry => {
    sweep()
    const entry = entries.get(address) ?? {
      stored: createAllowance(limits.maxStoredBytesPerMinute, now),
      read: createAllowance(limits.maxReadBytesPerMinute, now),
      names: createAllowance(limits.maxNewNamesPerMinute, now),
      known: new Set<string>(),
      usedAt: now(),
    }
    entry.usedAt = now()
    entries.set(address, entry)
    return entry
  }

  return (address) => {
    const take = (allowance: Allowance, amount: number, limit: LimitName, what: string): void => {
      if (allowance.take(amount)) return
      onRefused(limit, address)
      throw overTraffic(`${limits[limit]} ${what}`)
    }
    return {
      store: (username, bytes) => {
        const { stored, names, known } = entryOf(address)
        if (!known.has(username)) take(names, 1, 'maxNewNamesPerMinute', 'new names')
        remember(known, username)
        take(stored, bytes, 'maxStoredBytesPerMinute', 'bytes of messages')
      },
      read: async (read, sizeOf) => {
        const { read: allowance } = entryOf(address)
        take(allowance, EXPECTED_PAGE_BYTES, 'maxReadBytesPerMinute', 'bytes of history')
        let bytes = 0
        try {
          const page = await read()
          bytes = sizeOf(page)
          return page
        } finally {
          allowance.settle(bytes - EXPECTED_PAGE_BYTES)
        }
      },
    }
  }
}

const remember = (known: Set<string>, username: string): void => {
  known.delete(username)
  known.add(username)
  forgetOldest(known, MAX_KNOWN_NAMES)
}
