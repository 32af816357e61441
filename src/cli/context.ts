import type { OutputStream } from '../terminal/output-stream.js'

/** Where answers to questions come from. */
export interface InputStream {
  readonly stream: NodeJS.ReadableStream
  readonly isTTY: boolean
}

/** Where a question is asked and answered. */
export interface Dialogue {
  readonly input: NodeJS.ReadableStream
  write(text: string): void
  close(): void
}

/** The terminal that started the process. */
export interface ControllingTerminal {
  readonly isForeground: boolean
  open(): Dialogue
}

/** All that a run may know of the world outside. Only `main.ts` makes one from the real process. */
export interface ProcessContext {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly pid: number
  /** Node.js and the machine, such as `Node.js v20.19.0, linux x64`. */
  readonly platform: string
  readonly stdin: InputStream
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  /** The terminal that started the process, also when its streams are redirected; undefined without one. */
  readonly terminal: () => ControllingTerminal | undefined
  /** Shows a text in a pager on the terminal, and waits; false where there is no such pager. Absent where none may be started. */
  readonly runPager?:
    ((commandLine: string, text: string, env: Record<string, string | undefined>) => Promise<boolean>) | undefined
  /** Fires on SIGHUP, SIGINT, SIGQUIT and SIGTERM; its reason is the `OperatorError` to end with. */
  readonly signal: AbortSignal
}
