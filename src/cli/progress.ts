import type { OutputStream } from './context.js'

/** How a command says what it is doing, on stderr. */
export interface Progress {
  /** A line that stays. */
  readonly line: (text: string) => void
  /** The present state: overwrites itself on a terminal, and is a line now and then elsewhere. */
  readonly status: (text: string) => void
  /** Clears the present state from a terminal, before something else is written. */
  readonly clear: () => void
}

const HEARTBEAT_MS = 10_000
const REDRAW_MS = 100

export const createProgress = (stderr: OutputStream): Progress => {
  let shown = false
  let lastAt = Date.now()
  const clear = (): void => {
    if (shown) stderr.write('\r\u001b[K')
    shown = false
  }
  return {
    clear,
    line: (text) => {
      clear()
      stderr.write(`${text}\n`)
    },
    status: (text) => {
      const now = Date.now()
      if (now - lastAt < (stderr.isTTY ? REDRAW_MS : HEARTBEAT_MS)) return
      lastAt = now
      if (!stderr.isTTY) {
        stderr.write(`${text}\n`)
        return
      }
      const width = stderr.columns === undefined || stderr.columns === 0 ? 80 : stderr.columns
      stderr.write(`\r\u001b[K${text.slice(0, width - 1)}`)
      shown = true
    },
  }
}

/** Says nothing: for `--json`, whose reader is a program. */
export const SILENT: Progress = { line: () => undefined, status: () => undefined, clear: () => undefined }
