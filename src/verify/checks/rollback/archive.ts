import { qualified } from '../../../database/identifier.js'
import type { DataCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { commandLine, finding } from '../../finding.js'
import type { Answer } from '../../question.js'

const ARCHIVE = 'chatkeep_archive'
const CLIENT_ARCHIVE = 'chatkeep_archive_client'

/** Does a rollback's archive wait to be put back? After a rollback that is as it should be. */
export const archive: DataCheck = {
  name: 'archive',
  expectations: ALWAYS,
  object: 'rows of the archive of a rollback',
  severity: 'note',
  // Only its owner may read it. Whoever else asks is told that it is there.
  question: ({ schema, surroundings: { readableOwnTables } }) => {
    if (!readableOwnTables.includes(ARCHIVE)) return undefined
    const clients = readableOwnTables.includes(CLIENT_ARCHIVE)
      ? `(SELECT count(*) FROM ${qualified(schema, CLIENT_ARCHIVE)})`
      : '0'
    return `SELECT ARRAY[(SELECT count(*) FROM ${qualified(schema, ARCHIVE)}), ${clients}] AS "counts", ARRAY[]::bigint[] AS "sample"`
  },
  findings: (answer, facts) => {
    if (!facts.surroundings.ownTables.includes(ARCHIVE)) return []
    const migrated = facts.expectation === 'migrated'
    return [
      finding(migrated ? 'warning' : 'note', 'archive_waiting', {
        object: `table "${ARCHIVE}"`,
        expected: migrated ? 'absent: put back by migrate' : 'kept until the next migrate puts it back',
        actual: contents(answer, facts),
        help: commandLine('migrate', facts),
      }),
    ]
  },
}

const contents = (answer: Answer | undefined, { surroundings: { readableOwnTables } }: Facts): string => {
  if (!readableOwnTables.includes(ARCHIVE)) return 'there; only its owner may count it'
  const [messages, clients] = answer?.counts ?? []
  return messages === undefined ? 'there' : `${messages} archived messages, ${clients ?? 0} archived clients`
}
