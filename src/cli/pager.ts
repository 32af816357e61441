import { stripVTControlCharacters } from 'node:util'
import type { OutputStream } from '../terminal/output-stream.js'
import type { ProcessContext } from './context.js'

const DEFAULT_PAGER = 'less -FIRX'

/**
 * The command line of the pager: `CHATKEEP_PAGER`, `PAGER`, or less. Undefined where a long answer is just printed: without a
 * terminal on both sides, in CI, and where `cat` or nothing was chosen.
 */
export const pagerFor = ({ stdin, stdout, env }: ProcessContext): string | undefined => {
  const isWatched = stdin.isTTY && stdout.isTTY && (env.CI ?? '') === '' && env.TERM !== 'dumb'
  const command = (env.CHATKEEP_PAGER ?? env.PAGER ?? DEFAULT_PAGER).trim()
  return isWatched && command !== '' && command !== 'cat' ? command : undefined
}

export interface PagedOutput {
  readonly stream: OutputStream
  /** From here on the text is kept. */
  readonly hold: () => void
  /** Shows what was kept: in the pager if it is longer than the screen. @returns whether the pager showed it */
  readonly release: () => Promise<boolean>
}

/** A terminal whose last text may be shown in a pager. */
export const createPagedOutput = (outer: OutputStream, page: (text: string) => Promise<boolean>): PagedOutput => {
  let held: string | undefined
  return {
    stream: {
      write: (text) => {
        if (held === undefined) outer.write(text)
        else held += text
      },
      isTTY: outer.isTTY,
      get columns() {
        return outer.columns
      },
      get rows() {
        return outer.rows
      },
    },
    hold: () => {
      held = ''
    },
    release: async () => {
      const text = held ?? ''
      held = undefined
      if (isLonger(text, outer) && (await page(text))) return true
      outer.write(text)
      return false
    },
  }
}

const isLonger = (text: string, { rows = 0, columns = 0 }: OutputStream): boolean => {
  const lines = stripVTControlCharacters(text).trimEnd().split('\n')
  const taken = lines.map((line) => (columns > 0 ? Math.max(1, Math.ceil(line.length / columns)) : 1))
  // The prompt of the shell takes a line, too. A terminal may not know its size.
  return rows > 0 && taken.reduce((sum, count) => sum + count, 0) >= rows
}

/** What a pager may know: how to draw, and its own settings, but none of the variables that could be secrets. */
const KEPT =
  /^(?:PATH|Path|PATHEXT|SystemRoot|ComSpec|HOME|USER|LOGNAME|SHELL|TERM|TERMINFO|TERMINFO_DIRS|COLORTERM|COLUMNS|LINES|LANG|LANGUAGE|TZ|TMPDIR|MORE|LV|LC_[A-Z]+|LESS|LESSCHARSET|LESSOPEN|LESSCLOSE|LESSKEY|LESSKEYIN|LESSHISTFILE|LESSSECURE|BAT_THEME|BAT_STYLE)$/

export const pagerEnvironment = (env: ProcessContext['env']): Record<string, string | undefined> => ({
  // As for git: a pager named less quits when the text fits, keeps colours, and leaves the text on the screen.
  LESS: 'FIRX',
  ...Object.fromEntries(Object.entries(env).filter(([name]) => KEPT.test(name))),
})
