/** Fields of a log line. `event` is a stable name in lower snake case, for searches and alerts. */
export type LogFields = { readonly event: string } & Readonly<
  Record<string, string | number | boolean | null | undefined>
>

/**
 * The server's log; a pino logger fits. It never receives message texts, names, phone numbers, tokens or secrets.
 */
export interface ChatLog {
  debug(fields: LogFields, text: string): void
  info(fields: LogFields, text: string): void
  warn(fields: LogFields, text: string): void
  error(fields: LogFields, text: string): void
}

const nothing = (): void => undefined

/** A log that discards everything: the default of a library. */
export const SILENT_LOG: ChatLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }
