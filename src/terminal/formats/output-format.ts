import type { Answer } from '../answer.js'
import type { ErrorDocument } from '../error-document.js'
import type { Render } from '../render.js'

/** A way to write the answer of a command to stdout. */
export interface OutputFormat {
  /** As `--format` takes it. */
  readonly name: string
  /** Who reads stderr: people read lines and may be asked, programs read one JSON object a line. */
  readonly stderrIsFor: 'people' | 'programs'
  /** The answer, without a final line feed; '' writes nothing. */
  answer(command: string, answer: Answer, render: Render): string
  /** What stands in its place when a command fails before it has one; '' writes nothing. */
  error(command: string | undefined, error: ErrorDocument): string
}
