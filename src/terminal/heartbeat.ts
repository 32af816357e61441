import { printable } from './printable.js'
import type { Progress } from './progress.js'
import { duration } from './render.js'

const HEARTBEAT_MS = 10_000

/**
 * Progress for a log: where nothing was said for 10 seconds, a line says that the work goes on, and what was said last. A CI run that
 * is silent for long counts as hung.
 * @param name of the command
 */
export const withHeartbeat = (
  progress: Progress,
  name: string,
): { readonly progress: Progress; readonly stop: () => void } => {
  const startedAt = Date.now()
  let saidAt = startedAt
  let state: string | undefined
  const said = (): void => {
    saidAt = Date.now()
  }
  const timer = setInterval(() => {
    if (Date.now() - saidAt < HEARTBEAT_MS) return
    const phase = state === undefined ? '' : `: ${printable(state)}`
    progress.line(`${name} goes on after ${duration(Date.now() - startedAt)}${phase}`)
    said()
  }, 1_000)
  timer.unref()
  return {
    stop: () => clearInterval(timer),
    progress: {
      ...progress,
      line: (text) => {
        said()
        progress.line(text)
      },
      status: (text, key) => {
        said()
        state = text
        progress.status(text, key)
      },
      update: (update) => {
        said()
        state = update.text
        progress.update(update)
      },
    },
  }
}
