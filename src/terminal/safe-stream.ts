import type { OutputStream } from './output-stream.js'
import { safeOutput, withoutWorkflowCommands } from './printable.js'

/** Removes the present line of a terminal; only progress begins what it writes with this. */
export const CLEAR_LINE = '\r\u001b[K'

export interface SafeStreamOptions {
  readonly colour: boolean
  /** For the output format of GitHub Actions, which escapes what it puts into its own commands. */
  readonly keepsWorkflowCommands?: boolean
}

/** A stream to which text of any origin may be written: the one place that makes all output safe for terminals and logs. */
export const createSafeStream = (
  stream: OutputStream,
  { colour, keepsWorkflowCommands = false }: SafeStreamOptions,
): OutputStream => {
  const safe = (text: string): string => {
    const visible = safeOutput(text, colour)
    return keepsWorkflowCommands ? visible : withoutWorkflowCommands(visible)
  }
  return {
    write: (text) => {
      const isProgress = stream.isTTY && text.startsWith(CLEAR_LINE)
      stream.write(isProgress ? `${CLEAR_LINE}${safe(text.slice(CLEAR_LINE.length))}` : safe(text))
    },
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns
    },
  }
}
