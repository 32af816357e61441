import type { Render } from '../terminal/render.js'

/** What a run of `chatkeep replay` answers. */
export interface ReplayAnswer {
  /** 1 when a message is missing, or is not as it was sent. */
  readonly exitCode: 0 | 1
  /** For programs: plain data. */
  readonly data: Readonly<Record<string, unknown>>
  /** For people, verdict last, without a final line feed. */
  readonly text: (render: Render) => string
}

/** The first word of a verdict. */
export const verdictWord = (ok: boolean, { paint }: Render): string => (ok ? paint.green('ok:') : paint.red('FAIL:'))

/** Why the messages that a chat server acknowledged may not be found. */
export const sameDatabaseHint = (url: string, target: string): string =>
  `hint: check that the chat server at ${url} writes to this database, ${target}`
