import type { OutputStream } from './output-stream.js'
import { printable } from './printable.js'
import { CLEAR_LINE } from './safe-stream.js'
import { fitLine } from './wrap.js'

/** An event of work in progress, for people and for programs. */
export interface ProgressUpdate {
  /** As a program reads it; `type` says what it is. */
  readonly event: { readonly type: string }
  readonly text: string
  /** A shorter text for the live line of a terminal; `text` is then printed once above it. */
  readonly live?: string | undefined
  /** `line`: stays on the screen. `status`: the present state, which the next one replaces. */
  readonly kind: 'line' | 'status'
  /** States with the same key differ in their figures only. */
  readonly key: string
}

/** Reports progress on stderr. */
export interface Progress {
  /** Prints a line that stays, or several: names in it are made printable by the caller. */
  readonly line: (text: string) => void
  /** Shows the present state: overwritten in place on a terminal that can; elsewhere a line when its key changes, and every 10 seconds. */
  readonly status: (text: string, key?: string) => void
  /** Shows an event: a line or a state, or with `--json` one line of JSON. */
  readonly update: (update: ProgressUpdate) => void
  /** Removes the present state from a terminal before something else is written. */
  readonly clear: () => void
}

const HEARTBEAT_MS = 10_000
const REDRAW_MS = 100
/** What ends sooner shows no progress on a terminal. */
const PATIENCE_MS = 100

export interface ProgressOptions {
  /** The terminal can redraw its present line; false where no escape codes may be written. */
  readonly redraws: boolean
  /** Columns of a line. */
  readonly width: () => number
  /** False where an ellipsis takes three columns. */
  readonly unicode?: boolean
}

/** Progress for people. */
export const createProgress = (stderr: OutputStream, { redraws, width, unicode = true }: ProgressOptions): Progress => {
  const mayPass = createThrottle(redraws ? REDRAW_MS : HEARTBEAT_MS)
  let shown = false
  let printed = ''
  const startedAt = Date.now()
  let waiting: NodeJS.Timeout | undefined
  const draw = (text: string): void => {
    stderr.write(`${CLEAR_LINE}${fitLine(text, width() - (unicode ? 1 : 3))}`)
    shown = true
  }
  const clear = (): void => {
    clearTimeout(waiting)
    if (shown) stderr.write(CLEAR_LINE)
    shown = false
  }
  const line = (text: string): void => {
    clear()
    stderr.write(`${text}\n`)
  }
  const status = (state: string, key = ''): void => {
    if (!mayPass(key)) return
    const text = printable(state)
    if (!redraws) {
      stderr.write(`${text}\n`)
      return
    }
    clearTimeout(waiting)
    const early = startedAt + PATIENCE_MS - Date.now()
    if (early > 0) waiting = setTimeout(() => draw(text), early).unref()
    else draw(text)
  }
  return {
    clear,
    line,
    status,
    update: ({ text, live, kind, key }) => {
      if (kind === 'line') {
        line(printable(text))
        return
      }
      // The live line is cut where the terminal ends, so the whole text is printed once.
      if (live !== undefined && redraws && key !== printed) {
        line(printable(text))
        printed = key
      }
      status(redraws ? (live ?? text) : text, key)
    },
  }
}

export interface QuietProgress extends Progress {
  /** Shows the lines that were held back: before a question, it has to be clear what it is about. */
  readonly reveal: () => void
}

/** Progress that is not shown. */
export const createQuietProgress = (progress: Progress): QuietProgress => {
  let held: readonly string[] = []
  const line = (text: string): void => {
    held = [...held, text]
  }
  return {
    line,
    status: () => undefined,
    update: ({ text, kind }) => {
      if (kind === 'line') line(printable(text))
    },
    clear: () => undefined,
    reveal: () => {
      held.forEach(progress.line)
      held = []
    },
  }
}

const EVENT_MS = 1_000

/** Progress for programs: events only, one JSON object a line on stderr. */
export const createEventStream = (stderr: OutputStream): Progress => {
  const mayPass = createThrottle(EVENT_MS)
  return {
    line: () => undefined,
    status: () => undefined,
    clear: () => undefined,
    update: ({ event, kind, key }) => {
      if (kind === 'line' || mayPass(`${event.type} ${key}`))
        stderr.write(`${JSON.stringify({ at: new Date(), ...event })}\n`)
    },
  }
}

/** Passes a key that differs from the last one, and the same key once per interval. */
const createThrottle = (everyMs: number): ((key: string) => boolean) => {
  let last = { key: '', at: Date.now() }
  return (key) => {
    const now = Date.now()
    if (key === last.key && now - last.at < everyMs) return false
    last = { key, at: now }
    return true
  }
}
