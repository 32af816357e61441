import type { Client } from 'pg'
import { ConnectionProblem } from './connection-failure.js'
import type { SessionAttributes } from './connection-target.js'
import { onlyRow } from './rows.js'

interface ServerState {
  readonly isStandby: boolean
  readonly isReadOnly: boolean
}

const SELECT_SERVER_STATE = `
  SELECT pg_catalog.pg_is_in_recovery() AS "isStandby",
    pg_catalog.current_setting('transaction_read_only') = 'on' AS "isReadOnly"`

const UNSUITABLE: Readonly<Partial<Record<SessionAttributes, (state: ServerState) => string | undefined>>> = {
  'read-write': ({ isStandby, isReadOnly }) =>
    isStandby ? 'it is a standby' : isReadOnly ? 'its sessions are read-only' : undefined,
  'read-only': ({ isReadOnly }) => (isReadOnly ? undefined : 'its sessions are read-write'),
  primary: ({ isStandby }) => (isStandby ? 'it is a standby' : undefined),
  standby: ({ isStandby }) => (isStandby ? undefined : 'it is not a standby'),
}

/** @throws ConnectionProblem unless the server is what `target_session_attrs` asks for */
export const refuseUnsuitable = async (client: Client, attributes: SessionAttributes): Promise<void> => {
  if (attributes === 'any') return
  const reason = UNSUITABLE[attributes]?.(onlyRow(await client.query<ServerState>(SELECT_SERVER_STATE)))
  if (reason !== undefined) throw new ConnectionProblem(reason, 'unsuitable')
}
