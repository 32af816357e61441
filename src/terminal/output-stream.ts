/** A stream that text is written to, as stdout and stderr are. */
export interface OutputStream {
  write(text: string): void
  readonly isTTY: boolean
  /** Width of the terminal; undefined without one. */
  readonly columns: number | undefined
}
