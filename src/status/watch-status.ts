import { setTimeout as delay } from 'node:timers/promises'
import { isDatabaseUnavailable } from '../database/connection-error.js'
import { ExitCode, OperatorError } from '../errors.js'
import type { Answer } from '../terminal/answer.js'
import type { OutputFormat } from '../terminal/formats/output-format.js'
import type { Terminal } from '../terminal/terminal.js'

/** One status, ready to be shown. */
export interface Look {
  readonly answer: Answer
  readonly unreachable: OperatorError | undefined
}

/** What a status is shown with. */
export interface StatusTerminal extends Pick<Terminal, 'signal' | 'screen' | 'progress'> {
  readonly format: OutputFormat
  readonly verbosity: 'quiet' | 'normal' | 'verbose'
}

export interface WatchOptions extends StatusTerminal {
  readonly everyMs: number
  /** Ends at the first look whose exit code is 0. */
  readonly untilOk: boolean
}

/**
 * Shows one status after the other. With JSON nothing is printed before the end, but progress.
 * @returns the last status, for the reader to keep: on a terminal the screen is gone, in a pipe it was printed already
 */
export const watchStatus = async (look: () => Promise<Look>, options: WatchOptions): Promise<Answer> => {
  const { signal, screen, everyMs, untilOk } = options
  // A second Ctrl-C ends the process at once: by then the terminal is as it was.
  const restore = (): void => screen.close()
  signal.addEventListener('abort', restore, { once: true })
  let last: Answer | undefined
  try {
    for (;;) {
      const { answer, unreachable } = await look()
      const isEnd = untilOk && answer.exitCode === ExitCode.done
      // What only another configuration helps does not pass.
      const isHopeless = last === undefined && unreachable !== undefined && !isDatabaseUnavailable(unreachable)
      last = answer
      if (!signal.aborted) show(answer, options)
      if (isEnd || isHopeless) return kept(answer, options)
      await delay(everyMs, undefined, { signal })
    }
  } catch (error) {
    const reason: unknown = signal.reason
    if (last === undefined || !(reason instanceof OperatorError)) throw error
    return { ...kept(last, options), exitCode: reason.exitCode }
  } finally {
    signal.removeEventListener('abort', restore)
    screen.close()
  }
}

const show = (answer: Answer, { format, verbosity, screen, progress }: WatchOptions): void => {
  if (format.name !== 'json') {
    screen.show(verbosity === 'quiet' && answer.verdict !== undefined ? answer.verdict : answer.text)
    return
  }
  const { problems } = answer.data
  const event = { type: 'status', exitCode: answer.exitCode, problems }
  progress.update({ event, text: '', kind: 'status', key: JSON.stringify(problems) })
}

const kept = (answer: Answer, { format, screen }: WatchOptions): Answer =>
  format.name === 'json' || screen.isRedrawn ? answer : { ...answer, text: () => '', verdict: () => '' }
