import { isOurs } from '../../../migrations/own/own-conflicts.js'
import { canRead, findOwnTable } from '../../../migrations/own/own-state.js'
import { count } from '../../../terminal/render.js'
import type { RowCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { finding } from '../../finding.js'
import { chatkeep } from '../../../next-step.js'
import type { RowQueryResult } from '../../row-query.js'

const ARCHIVE = 'archive'
const CLIENT_ARCHIVE = 'archived_clients'

/** Does the archive of a rollback still exist? After a rollback it should. */
export const archive: RowCheck<'archive_waiting'> = {
  name: 'archive',
  expectations: ALWAYS,
  needs: {},
  object: 'rows of the archive of a rollback',
  severity: 'note',
  // Only the owner may read the archive. For other roles, the finding says that it exists.
  query: ({ own }) => {
    if (!canRead(own, ARCHIVE) || !isOurs(own, ARCHIVE)) return undefined
    const clients = canRead(own, CLIENT_ARCHIVE) ? `(SELECT count(*) FROM ${own.names.archivedClients})` : '0'
    return `SELECT ARRAY[(SELECT count(*) FROM ${own.names.archive}), ${clients}] AS "counts", ARRAY[]::bigint[] AS "sample"`
  },
  findings: (result, facts) => {
    if (findOwnTable(facts.own, ARCHIVE) === undefined) return []
    const migrated = facts.expectation === 'migrated'
    return [
      finding(migrated ? 'warning' : 'note', 'archive_waiting', {
        object: `table ${facts.own.names.archive}`,
        expected: migrated ? 'absent: migrate restores and drops it' : 'kept until the next migrate restores it',
        actual: contents(result, facts),
        help: chatkeep('migrate'),
      }),
    ]
  },
  explanations: {
    archive_waiting: {
      title: 'the archive of a rollback has not been restored',
      severities: ['warning', 'note'],
      meaning: `A rollback archives what the old schema cannot hold (names and phones of guests, idempotency keys,
        messages without client or guest), byte for byte. After a rollback this is expected (severity note); in a
        migrated database the archive should be gone (severity warning). It contains personal data and is readable
        only by its owner.`,
      cause: 'A rollback, or a later chatkeep migrate that was interrupted before it had restored everything.',
      remedy: `chatkeep migrate restores the archive and drops it. If you want neither the update nor the data back,
        drop the tables archive and archived_clients of that schema.`,
    },
  },
}

const contents = (result: RowQueryResult | undefined, { own }: Facts): string => {
  if (!canRead(own, ARCHIVE)) return 'present; only its owner may count its rows'
  const [messages, clients] = result?.counts ?? []
  return messages === undefined
    ? 'present'
    : `${count(messages, 'archived message')}, ${count(clients ?? 0, 'archived client')}`
}
