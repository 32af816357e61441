import type { ChatLog } from './chat-log.js'

/**
 * A callback of the application that may throw, or reject if it is asynchronous: that neither ends the process nor disturbs who calls
 * it. The first failure is reported as a warning of the process, with its stack; in a page as an error that nobody has caught.
 */
export const guarded = <Args extends readonly unknown[]>(
  name: string,
  callback: (...args: Args) => unknown,
): ((...args: Args) => void) => {
  let isReported = false
  const report = (error: unknown): void => {
    if (isReported) return
    isReported = true
    const { process, reportError } = globalThis as Runtime
    if (process?.emitWarning === undefined) {
      reportError?.(error)
      return
    }
    const detail = error instanceof Error ? error.stack : undefined
    process.emitWarning(`${name} of the application failed: chatkeep goes on, and does not report it again`, {
      ...{ type: 'ChatkeepWarning', code: 'callback_failed' },
      ...(detail === undefined ? {} : { detail }),
    })
  }
  return (...args) => {
    try {
      const result = callback(...args)
      if (result instanceof Promise) result.catch(report)
    } catch (error) {
      report(error)
    }
  }
}

/** A library has no other way to reach whoever runs the application when the application's own callback fails. */
interface Runtime {
  /** Node's; a page has none, or what its bundler puts in its place. */
  readonly process?: { emitWarning?(text: string, options: object): void }
  readonly reportError?: (error: unknown) => void
}

/** A log of the application, whose failures cost no message. */
export const guardedLog = (log: ChatLog): ChatLog => ({
  debug: guarded('log.debug', (fields, text) => log.debug(fields, text)),
  info: guarded('log.info', (fields, text) => log.info(fields, text)),
  warn: guarded('log.warn', (fields, text) => log.warn(fields, text)),
  error: guarded('log.error', (fields, text) => log.error(fields, text)),
})
