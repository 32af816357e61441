/** How fast a transcript is sent: as fast as possible, at a fixed rate, or at a multiple of its original speed. */
export type Speed =
  | { readonly kind: 'max' }
  | { readonly kind: 'rate'; readonly perSecond: number }
  | { readonly kind: 'factor'; readonly factor: number; readonly maxGapMs: number }

export interface Clock {
  /** Monotonic, in milliseconds. */
  nowMs(): number
  /** Resolves at that time, or earlier when the run is interrupted. */
  waitUntil(ms: number): Promise<void>
}

/** Holds messages back until they are due. */
export interface Pacer {
  /** Waits until the next message is due. @param at when it was written */
  due(at: Date): Promise<void>
  /** Records that the message was handed to the sender. @returns how late that is, in milliseconds */
  handedOver(): number
  /** Whether messages are ever held back. */
  readonly isPaced: boolean
  readonly behindMs: number
  readonly mostBehindMs: number
}

/**
 * Every due time counts from the first message, so delays do not add up. A message that is older than the one before it
 * is due at once.
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

/** Parses `max`, `original`, `x10` or `200/s`; undefined for anything else. */
export const parseSpeed = (text: string, maxGapMs: number): Speed | undefined => {
  if (text === 'max') return { kind: 'max' }
  if (text === 'original') return { kind: 'factor', factor: 1, maxGapMs }
  const [, factor, perSecond] = /^(?:x(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\/s)$/.exec(text) ?? []
  if (Number(factor) > 0) return { kind: 'factor', factor: Number(factor), maxGapMs }
  return Number(perSecond) > 0 ? { kind: 'rate', perSecond: Number(perSecond) } : undefined
}
