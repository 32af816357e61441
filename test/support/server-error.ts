import type { ServerError } from '../../src/database/sql-state.js'

/** An answer of the server, as `pg` throws it. */
export const serverError = (code: string, fields: Partial<ServerError> = {}): ServerError =>
  Object.assign(new Error(`error ${code}`), { severity: 'ERROR', code, ...fields })
