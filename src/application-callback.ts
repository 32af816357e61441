// A library has no other way to reach whoever runs the application when the application's own callback fails.
// eslint-disable-next-line no-restricted-imports
import { emitWarning } from 'node:process'
import type { ChatLog } from './chat-log.js'

/**
 * A callback of the application that may throw, or reject if it is asynchronous: that neither ends the process nor disturbs who calls
 * it. The first failure is reported as a warning of the process, with its stack.
 */
export const guarded = <Args extends readonly unknown[]>(
  name: string,
  callback: (...args: Args) => unknown,
): ((...args: Args) => void) => {
  let isReported = false
  const report = (error: unknown): void => {
    if (isReported) return
    isReported = true
    const detail = error instanceof Error ? error.stack : undefined
    emitWarning(`${name} of the application failed: chatkeep goes on, and does not report it again`, {
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

/** A log of the application, whose failures cost no message. */
export const guardedLog = (log: ChatLog): ChatLog => ({
  debug: guarded('log.debug', (fields, text) => log.debug(fields, text)),
  info: guarded('log.info', (fields, text) => log.info(fields, text)),
  warn: guarded('log.warn', (fields, text) => log.warn(fields, text)),
  error: guarded('log.error', (fields, text) => log.error(fields, text)),
})
