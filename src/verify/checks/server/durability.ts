import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import type { ServerSetting } from '../../facts/server-facts.js'

/** Does a committed message survive a crash of the server? */
export const durability: FactCheck = {
  name: 'durability',
  expectations: ALWAYS,
  findings: (facts) => {
    const { fsync, fullPageWrites, synchronousCommit, unloggedTables } = facts.surroundings
    return [
      ...unloggedTables.map((table) => unlogged(table, facts)),
      ...offFindings('fsync', fsync, 'a crash can destroy the whole database', facts),
      ...offFindings('full_page_writes', fullPageWrites, 'a crash can leave torn pages, which nothing repairs', facts),
      ...offFindings('synchronous_commit', synchronousCommit, 'a crash can lose what was just committed', facts),
    ]
  },
}

const unlogged = (table: string, { schema }: Facts): Finding =>
  finding('error', 'table_unlogged', {
    object: `table "${table}"`,
    expected: 'logged',
    actual: 'UNLOGGED: a crash of the server empties it',
    help: `ALTER TABLE ${qualified(schema, table)} SET LOGGED`,
  })

const offFindings = (
  name: 'fsync' | 'full_page_writes' | 'synchronous_commit',
  { value, source }: ServerSetting,
  consequence: string,
  { database }: Facts,
): readonly Finding[] => {
  if (value !== 'off') return []
  const words = { object: `setting ${name}`, expected: 'on', actual: `off (${source}): ${consequence}` }
  return [
    finding('warning', `${name}_off`, { ...words, help: wayToSwitchOn(name, source, escapeIdentifier(database)) }),
  ]
}

// A setting can only be changed where it comes from.
const wayToSwitchOn = (name: string, source: string, database: string): string => {
  switch (source) {
    case 'database':
      return `ALTER DATABASE ${database} RESET ${name}`
    case 'user':
      return `ALTER ROLE CURRENT_USER RESET ${name}`
    case 'database user':
      return `ALTER ROLE CURRENT_USER IN DATABASE ${database} RESET ${name}`
    case 'command line':
      return `take ${name} from the server's command line and restart it`
    default:
      return `ALTER SYSTEM SET ${name} = on; SELECT pg_reload_conf()`
  }
}
