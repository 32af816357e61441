import type { Render } from '../terminal/render.js'

/** The first word of a verdict. */
export const verdictWord = (ok: boolean, { paint }: Render): string => (ok ? paint.green('ok:') : paint.red('FAIL:'))

/** Why the messages that a chat server acknowledged may not be found. */
export const sameDatabaseHint = (url: string, target: string): string =>
  `hint: check that the chat server at ${url} writes to this database, ${target}`
