/** What a file of a chat server is. */
export type FileKind = 'journal' | 'acknowledged' | 'rejected' | 'recording'

/** Whose a line is, as far as it says. */
export interface LineOwner {
  readonly clientIds: readonly string[]
  readonly names: readonly string[]
  readonly phones: readonly string[]
  readonly conversation: string | null
  /** Whom an operator's message was sent to, where nobody has found out yet whose conversation that is. */
  readonly address: string | null
  /** The idempotency key of the message. */
  readonly key: string | null
  /** When the message was stored, in milliseconds since 1970; null while it waits: it will be whose the name is then. */
  readonly atMs: number | null
}

/** A line of a file. */
export interface FileLine {
  readonly number: number
  /** Without its line feed. */
  readonly bytes: Buffer
  readonly terminated: boolean
  readonly content: LineContent
}

export type LineContent =
  /** Header, footer, a blank line: it has no owner. */
  | { readonly kind: 'frame' }
  /** It may be of anybody. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'owned'; readonly owner: LineOwner; readonly document: unknown }

/** How a kind of file is read and written. */
export interface LineFormat {
  readonly readLines: (chunks: AsyncIterable<Buffer>, path: string) => AsyncIterable<FileLine>
  /** Makes the lines of a new file, with their line feeds, one after the other. */
  readonly createWriter: () => LineWriter
}

/** @returns what stands in the place of a line */
export type LineWriter = (line: FileLine, isKept: boolean) => Buffer

const LINE_FEED = Buffer.from('\n')
const NOTHING = Buffer.alloc(0)

/** The line as it is, or nothing. */
export const copyLine: LineWriter = ({ bytes, terminated }, isKept) => {
  if (!isKept) return NOTHING
  return terminated ? Buffer.concat([bytes, LINE_FEED]) : bytes
}

export const FRAME: LineContent = { kind: 'frame' }
export const UNREADABLE: LineContent = { kind: 'unreadable' }
