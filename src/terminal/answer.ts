import type { ExitCode } from '../errors.js'
import type { Render } from './render.js'

/** The result of a command, in all its forms; the output format picks one. */
export interface Answer {
  /** 0 unless the answer is "no". */
  readonly exitCode?: ExitCode
  /** For programs: plain data, to which JSON output adds `ok` and `command`. */
  readonly data: Readonly<Record<string, unknown>>
  /** For people, without a final line feed; '' prints nothing. */
  readonly text: (render: Render) => string
  /** The end of the text, which is all that --quiet prints; absent where the whole text is the answer, such as a list. */
  readonly verdict?: (render: Render) => string
  /** The text is for a program, such as psql: into a file or a pipe it is written as it is. */
  readonly isScript?: true
  /** For formats that report tests or annotations; absent where a command runs no checks. */
  readonly checks?: CheckResults
}

/** The text of an answer from its lines, of which the last is the verdict. */
export const verdictLast = (lines: (render: Render) => readonly string[]): Pick<Answer, 'text' | 'verdict'> => ({
  text: (render) => lines(render).join('\n'),
  verdict: (render) => lines(render).at(-1) ?? '',
})

/** Checks and what they found. */
export interface CheckResults {
  /** Facts about the run, such as the target. */
  readonly properties: Readonly<Record<string, string>>
  /** Names of the checks that were run, in order. */
  readonly names: readonly string[]
  /** Those of them that found nothing because they could not look. */
  readonly skipped: readonly { readonly check: string; readonly reason: string }[]
  /** The most severe first. */
  readonly findings: readonly CheckResult[]
  /** One line that sums up the run. */
  readonly verdict: (render: Render) => string
  readonly durationMs: number
}

export interface CheckResult {
  /** The check that found it, one of `names`. */
  readonly check: string
  readonly code: string
  readonly severity: 'error' | 'warning' | 'note'
  /** Whether it makes the answer "no". */
  readonly isFailing: boolean
  /** The check has no result: what it needs was locked. */
  readonly isUnknown: boolean
  readonly object: string
  /** A file that it concerns; `line` and `column` count from 1. */
  readonly place:
    { readonly file: string; readonly line: number | null; readonly column?: number | undefined } | undefined
  /** Plain text, line by line; `brief` leaves out most of a long diff. */
  readonly lines: readonly string[]
  readonly brief: readonly string[]
}
