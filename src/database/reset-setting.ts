import { sql, type Next } from '../next-step.js'
import { escapeIdentifier } from './identifier.js'

/** A setting of the server that has another value than it should. */
export interface WrongSetting {
  readonly name: string
  /** Where it was made, as pg_settings says. */
  readonly source: string
  readonly wanted: 'on' | 'off'
  readonly database: string
  readonly role: string
}

/**
 * How to change a setting where it was made, which is the only place that helps.
 * @param first statements without which the session could not change it
 */
export const resetSetting = (
  { name, source, wanted, database, role }: WrongSetting,
  first: readonly string[] = [],
): Next => {
  const [inDatabase, ofRole] = [`DATABASE ${escapeIdentifier(database)}`, `ROLE ${escapeIdentifier(role)}`]
  switch (source) {
    case 'database':
      return sql([...first, `ALTER ${inDatabase} RESET ${name}`])
    case 'user':
      return sql([...first, `ALTER ${ofRole} RESET ${name}`])
    case 'database user':
      return sql([...first, `ALTER ${ofRole} IN ${inDatabase} RESET ${name}`])
    case 'client':
      return `remove ${name} from PGOPTIONS, or from options in the URL`
    case 'command line':
      return `remove ${name} from the server's command line and restart it`
    default:
      return sql([...first, `ALTER SYSTEM SET ${name} = ${wanted}`, 'SELECT pg_reload_conf()'])
  }
}
