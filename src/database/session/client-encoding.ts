import type { EventEmitter } from 'node:events'
import type { ClientBase } from 'pg'
import { ExitCode, OperatorError } from '../../errors.js'
import { onlyRow } from '../rows.js'

/** SQL for the encoding in which the server takes what the session sends, and sends it what is stored. */
export const CLIENT_ENCODING = `pg_catalog.current_setting('client_encoding')`

/** The encoding of each session as the server has reported it, which it does at the start and whenever it changes. */
const reported = new WeakMap<EventEmitter, string>()
const watched = new WeakSet<EventEmitter>()

/** Follows the encoding of a connection from now on. */
export const watchEncoding = (connection: EventEmitter): void => {
  if (watched.has(connection)) return
  watched.add(connection)
  connection.on('parameterStatus', (status: { readonly parameterName: string; readonly parameterValue: string }) => {
    if (status.parameterName === 'client_encoding') reported.set(connection, status.parameterValue)
  })
}

const connectionOf = (client: ClientBase): EventEmitter | undefined => {
  const { connection } = client as { readonly connection?: EventEmitter }
  return connection
}

/** The encoding of a session; undefined for one that is new to us, or that tells nothing of the protocol. */
export const knownEncoding = (client: ClientBase): string | undefined => {
  const connection = connectionOf(client)
  return connection && reported.get(connection)
}

/** The same, with a round trip. */
export const askEncoding = async (client: ClientBase): Promise<string> => {
  const connection = connectionOf(client)
  if (connection !== undefined) watchEncoding(connection)
  const { encoding } = onlyRow(await client.query<{ encoding: string }>(`SELECT ${CLIENT_ENCODING} AS "encoding"`))
  if (connection !== undefined) reported.set(connection, encoding)
  return encoding
}

/** The driver sends UTF-8 whatever the session is set to, and reads all that comes as UTF-8. */
export const isUtf8 = (encoding: string): boolean => /^(?:utf-?8|unicode)$/i.test(encoding)

export const LEAVE_AT_UTF8 = 'leave client_encoding at UTF8, as the driver sets it: it sends and reads nothing else'

/** The application changed the encoding of its sessions: other characters than were sent would be stored, without an error. */
export const wrongClientEncoding = (encoding: string): OperatorError =>
  new OperatorError(
    'client_encoding_not_utf8',
    `the free connections of the pool have client_encoding ${encoding}, not UTF8`,
    { retryable: true, exitCode: ExitCode.no, hint: LEAVE_AT_UTF8 },
  )
