/** A stream that text is written to, as stdout and stderr are. */
export interface OutputStream {
  write(text: string): void
  /** Waits until what was written is gone, and rejects if it cannot be written; absent where nothing has to be waited for. */
  readonly drained?: () => Promise<void>
  readonly isTTY: boolean
  /** Width of the terminal; undefined without one. */
  readonly columns: number | undefined
  /** Height of the terminal; absent without one. */
  readonly rows?: number | undefined
  /** Calls the listener whenever the size changes; absent without a terminal. @returns a function that ends that */
  readonly onResize?: (listener: () => void) => () => void
}
