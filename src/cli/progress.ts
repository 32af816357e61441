import type { OutputStream } from './context.js'

/** Something that happened, for people and for programs. */
export interface Happening {
  /** As a program reads it; `type` says what it is. */
  readonly event: { readonly type: string }
  readonly text: string
  /** What a terminal shows of it while it lasts; the whole text then stands above, once. */
  readonly live?: string | undefined
  /** `line`: it stays. `status`: the present state. */
  readonly kind: 'line' | 'status'
  /** A state of another key is a change, not the same state with other figures. */
  readonly key: string
}

/** How a command says what it is doing, on stderr. */
export interface Progress {
  /** A line that stays. */
  readonly line: (text: string) => void
  /** The present state: overwrites itself on a terminal; elsewhere it is a line when its key changes, and now and then. */
  readonly status: (text: string, key?: string) => void
  /** A line, a state, or with `--json` one line of JSON. */
  readonly happening: (happening: Happening) => void
  /** Clears the present state from a terminal, before something else is written. */
  readonly clear: () => void
}

const HEARTBEAT_MS = 10_000
const REDRAW_MS = 100

export const createProgress = (stderr: OutputStream): Progress => {
  const mayPass = createThrottle(stderr.isTTY ? REDRAW_MS : HEARTBEAT_MS)
  let shown = false
  let said = ''
  const clear = (): void => {
    if (shown) stderr.write('\r\u001b[K')
    shown = false
  }
  const line = (text: string): void => {
    clear()
    stderr.write(`${text}\n`)
  }
  const status = (text: string, key = ''): void => {
    if (!mayPass(key)) return
    if (!stderr.isTTY) {
      stderr.write(`${text}\n`)
      return
    }
    const width = stderr.columns === undefined || stderr.columns === 0 ? 80 : stderr.columns
    stderr.write(`\r\u001b[K${text.slice(0, width - 1)}`)
    shown = true
  }
  return {
    clear,
    line,
    status,
    happening: ({ text, live, kind, key }) => {
      if (kind === 'line') {
        line(text)
        return
      }
      // A terminal may be too narrow for all of it.
      if (live !== undefined && stderr.isTTY && key !== said) {
        line(text)
        said = key
      }
      status(stderr.isTTY ? (live ?? text) : text, key)
    },
  }
}

const EVENT_MS = 1_000

/** For `--json`, whose reader is a program: what happens is one JSON document a line on stderr, and nothing else is said. */
export const createEventStream = (stderr: OutputStream): Progress => {
  const mayPass = createThrottle(EVENT_MS)
  return {
    line: () => undefined,
    status: () => undefined,
    clear: () => undefined,
    happening: ({ event, kind, key }) => {
      if (kind === 'line' || mayPass(`${event.type} ${key}`))
        stderr.write(`${JSON.stringify({ at: new Date(), ...event })}\n`)
    },
  }
}

/** Lets through what is new, and what was let through long enough ago. */
const createThrottle = (everyMs: number): ((key: string) => boolean) => {
  let last = { key: '', at: Date.now() }
  return (key) => {
    const now = Date.now()
    if (key === last.key && now - last.at < everyMs) return false
    last = { key, at: now }
    return true
  }
}
