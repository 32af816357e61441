import { ExitCode, OperatorError } from '../errors.js'
import type { Next } from '../next-step.js'
import type { Queryable } from './connection.js'
import { describeServerRole } from './replication/describe-server-role.js'
import { STANDBY_COLUMNS, type StandbyState } from './replication/replication-state.js'
import { resetSetting } from './reset-setting.js'
import { onlyRow } from './rows.js'

const SETTING = 'default_transaction_read_only'

const SELECT_WRITABILITY = `
  SELECT ${STANDBY_COLUMNS}, s.setting = 'on' AS "readOnly", s.source,
    pg_catalog.current_database()::text AS "database", session_user::text AS "role"
  FROM pg_catalog.pg_settings AS s
  WHERE s.name = '${SETTING}'`

/** Whether sessions like this one may write, and what to change if not. */
export interface Writability extends StandbyState {
  readonly readOnly: boolean
  readonly source: string
  readonly database: string
  readonly role: string
}

export const readWritability = async (client: Queryable): Promise<Writability> =>
  onlyRow(await client.query<Writability>(SELECT_WRITABILITY))

/** How to let sessions write again. Statements that change settings are writes, too. */
export const allowWrites = (found: Writability): Next =>
  resetSetting({ ...found, name: SETTING, wanted: 'off' }, [`SET ${SETTING} = off`])

/** @throws OperatorError `read_only_database` (exit 3) on a standby, or where a setting forbids writes */
export const refuseReadOnly = async (client: Queryable): Promise<void> => {
  const found = await readWritability(client)
  if (!found.isStandby && !found.readOnly) return
  const reason = found.isStandby ? `it is a ${describeServerRole(found)}` : `${SETTING} is on`
  throw new OperatorError('read_only_database', `the server is read-only: ${reason}`, {
    exitCode: ExitCode.unreachable,
    hint: found.isStandby ? 'connect to the primary server' : allowWrites(found),
  })
}
