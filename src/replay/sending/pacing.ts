/** How fast a transcript is sent: as fast as it goes, at a fixed rate, or a number of times as fast as it was written. */
export type Speed =
  | { readonly kind: 'max' }
  | { readonly kind: 'rate'; readonly perSecond: number }
  | { readonly kind: 'factor'; readonly factor: number; readonly maxGapMs: number }

export interface Clock {
  /** Monotonic, in milliseconds. */
  nowMs(): number
  /** Resolves then, or earlier when the run is ended. */
  waitUntil(ms: number): Promise<void>
}

/** Holds messages back until they are due. */
export interface Pacer {
  /** Waits until a message is due that was written then. */
  due(at: Date): Promise<void>
  /** To be told when the message has been handed over; returns how late that is, in milliseconds. */
  handedOver(): number
  /** Whether messages are ever held back. */
  readonly isPaced: boolean
  readonly behindMs: number
  readonly mostBehindMs: number
}

/**
 * Every due time is counted from the first message, so that no wait adds to the next. A message that was written before
 * the one in front of it is due at once.
 */
export const createPacer = (speed: Speed, clock: Clock): Pacer => {
  let startedAt: number | undefined
  let sent = 0
  let dueMs = 0
  let newest: number | undefined
  let [behindMs, mostBehindMs] = [0, 0]

  const schedule = (at: Date): void => {
    if (speed.kind === 'rate') dueMs = (1_000 * sent) / speed.perSecond
    if (speed.kind === 'factor') {
      const gap = Math.max(+at - (newest ?? +at), 0) / speed.factor
      dueMs += Math.min(gap, speed.maxGapMs)
      newest = Math.max(newest ?? +at, +at)
    }
  }
  return {
    isPaced: speed.kind !== 'max',
    due: async (at) => {
      if (speed.kind === 'max') return
      startedAt ??= clock.nowMs()
      schedule(at)
      sent += 1
      if (clock.nowMs() < startedAt + dueMs) await clock.waitUntil(startedAt + dueMs)
    },
    handedOver: () => {
      if (startedAt === undefined) return 0
      behindMs = Math.max(clock.nowMs() - startedAt - dueMs, 0)
      mostBehindMs = Math.max(mostBehindMs, behindMs)
      return behindMs
    },
    get behindMs() {
      return behindMs
    },
    get mostBehindMs() {
      return mostBehindMs
    },
  }
}

/** Reads `max`, `original`, `x10` or `200/s`; undefined when it is none of them. */
export const parseSpeed = (text: string, maxGapMs: number): Speed | undefined => {
  if (text === 'max') return { kind: 'max' }
  if (text === 'original') return { kind: 'factor', factor: 1, maxGapMs }
  const [, factor, perSecond] = /^(?:x(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\/s)$/.exec(text) ?? []
  if (Number(factor) > 0) return { kind: 'factor', factor: Number(factor), maxGapMs }
  return Number(perSecond) > 0 ? { kind: 'rate', perSecond: Number(perSecond) } : undefined
}
