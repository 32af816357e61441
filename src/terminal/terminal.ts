import type { Progress } from './progress.js'
import type { Render } from './render.js'
import type { Screen } from './screen.js'

/** What the work of a command may use of the terminal, or of the script, that runs it. */
export interface Terminal {
  /** Where relative paths begin. */
  readonly cwd: string
  /** Fires on SIGHUP, SIGINT, SIGQUIT and SIGTERM; its reason is the `OperatorError` to end with. */
  readonly signal: AbortSignal
  /** Writes to stderr. */
  readonly progress: Progress
  /** For a text on stdout that is replaced again and again. */
  readonly screen: Screen
  /** For text on stdout. */
  readonly render: Render
  /** For text on stderr. */
  readonly progressRender: Render
  /** Asks a question and waits for one line; the answer is undefined where nobody can be asked: in CI, or without a terminal. */
  readonly ask: (question: string) => Promise<string | undefined>
}
