/** What a line of the log is about. `event` is a stable word in lower-case snake case, to search and to alert by. */
export type LogFields = { readonly event: string } & Readonly<
  Record<string, string | number | boolean | null | undefined>
>

/**
 * Takes what the server has to tell whoever runs it; a pino logger is one, too. Is never given what was written in the chat,
 * a name, a phone number, a token or a secret.
 */
export interface ChatLog {
  debug(fields: LogFields, text: string): void
  info(fields: LogFields, text: string): void
  warn(fields: LogFields, text: string): void
  error(fields: LogFields, text: string): void
}

const nothing = (): void => undefined

/** What a library is expected to say. */
export const SILENT_LOG: ChatLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }
