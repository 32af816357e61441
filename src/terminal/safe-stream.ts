import type { OutputStream } from './output-stream.js'
import { safeOutput, withoutWorkflowCommands } from './printable.js'
import { toAscii } from './unicode.js'
import { wrapText } from './wrap.js'

/** Removes the present line of a terminal; only progress begins what it writes with this. */
export const CLEAR_LINE = '\r\u001b[K'

export interface SafeStreamOptions {
  readonly colour: boolean
  /** Columns to wrap long lines at; absent where each line is for a program, or for grep. */
  readonly width?: (() => number) | undefined
  /** False where people read it and see ASCII only. */
  readonly unicode?: boolean
  /** For the output format of GitHub Actions, which escapes what it puts into its own commands. */
  readonly keepsWorkflowCommands?: boolean
}

/** A stream to which text of any origin may be written: the one place that makes all output safe for terminals and logs. */
export const createSafeStream = (
  stream: OutputStream,
  { colour, width, unicode = true, keepsWorkflowCommands = false }: SafeStreamOptions,
): OutputStream => {
  const safe = (text: string): string => {
    const visible = safeOutput(unicode ? text : toAscii(text), colour)
    const wrapped = width === undefined ? visible : wrapText(visible, width())
    return keepsWorkflowCommands ? wrapped : withoutWorkflowCommands(wrapped)
  }
  return {
    write: (text) => {
      const isProgress = colour && text.startsWith(CLEAR_LINE)
      stream.write(isProgress ? `${CLEAR_LINE}${safe(text.slice(CLEAR_LINE.length))}` : safe(text))
    },
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns
    },
    ...(stream.drained === undefined ? {} : { drained: stream.drained }),
  }
}
