import type { ChatLog, LogFields } from './chat-log.js'

/** Logs a warning, but each event, of each `code` if it has one, at most once a minute. */
export type WarnRarely = (fields: LogFields, text: string) => void

const PAUSE_MS = 60_000

/** What strangers can cause is logged at most once a minute; `repeated` then counts what was not logged before. */
export const createRareLog = (log: ChatLog, now: () => number = () => performance.now()): WarnRarely => {
  const events = new Map<string, { readonly loggedAt: number; unlogged: number }>()
  return (fields, text) => {
    const key = `${fields.event} ${String(fields.code)}`
    const last = events.get(key)
    if (last !== undefined && now() - last.loggedAt < PAUSE_MS) {
      last.unlogged += 1
      return
    }
    events.set(key, { loggedAt: now(), unlogged: 0 })
    log.warn(last === undefined || last.unlogged === 0 ? fields : { ...fields, repeated: last.unlogged }, text)
  }
}
