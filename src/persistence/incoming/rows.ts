import type { PreparedMessage } from '../prepare-message.js'

/** The columns in which messages are sent to the server, with their types. */
export const INCOMING_COLUMNS: readonly (readonly [keyof PreparedMessage, string])[] = [
  ['createdAt', 'timestamptz'],
  ['clientId', 'bigint'],
  ['guestUsername', 'text'],
  ['guestPhone', 'text'],
  ['clientSocketId', 'text'],
  ['senderType', 'text'],
  ['operatorId', 'bigint'],
  ['messageType', 'text'],
  ['text', 'text'],
  ['imageUrl', 'text'],
  ['imageName', 'text'],
  ['mimeType', 'text'],
  ['sessionId', 'text'],
  ['idempotencyKey', 'text'],
]

const columnsBy = (column: (name: string, type: string, place: number) => string): string =>
  INCOMING_COLUMNS.map(([name, type], index) => column(name, type, index + 1)).join(', ')

/** How messages are sent to a statement, which reads them as rows `x`. */
export interface IncomingRows {
  readonly sql: string
  readonly values: (messages: readonly PreparedMessage[]) => readonly (string | number | null)[]
}

/** Any number of messages. The planner knows that they come in the order of "position", which begins with 1. */
export const AS_JSON: IncomingRows = {
  sql: `
  ROWS FROM (json_to_recordset($1::json) AS (${columnsBy((name, type) => `"${name}" ${type}`)}))
    WITH ORDINALITY AS x (${columnsBy((name) => `"${name}"`)}, "position")`,
  values: (messages) => [JSON.stringify(messages)],
}

/** One message: the server takes its fields as they are, where it would have to parse JSON, and to keep and sort rows. */
export const AS_PARAMETERS: IncomingRows = {
  sql: `
  (SELECT ${columnsBy((name, type, place) => `$${place}::${type} AS "${name}"`)}) AS x`,
  values: ([message]) =>
    INCOMING_COLUMNS.map(([name]) => {
      const value = message?.[name] ?? null
      return value instanceof Date ? value.toISOString() : value
    }),
}
