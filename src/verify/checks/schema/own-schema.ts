import { escapeIdentifier, qualified } from '../../../database/identifier.js'
import { ownConflicts } from '../../../migrations/own/own-conflicts.js'
import { findOwnTable, isClosedToWriters } from '../../../migrations/own/own-state.js'
import { excessGrants, revokeStatement } from '../../../migrations/own/own-statements.js'
import { lacksAdded } from '../../../migrations/own/own-table.js'
import { OWN_TABLES } from '../../../migrations/own/own-tables.js'
import { KEY_INDEX_MIGRATION } from '../../../migrations/ledger/migration-names.js'
import { isPartitioned } from '../../../migrations/partitions/partitions.js'
import { quotedSchema } from '../../../persistence/own-names.js'
import type { FactCheck } from '../../check.js'
import { ALWAYS } from '../../expectation.js'
import type { Facts } from '../../facts/facts.js'
import { hasTable, migrationState } from '../../facts/facts.js'
import { finding, type Finding } from '../../finding.js'
import { chatkeep, or, sql } from '../../../next-step.js'

type Code =
  'own_schema_incomplete' | 'own_object_owner' | 'own_object_differs' | 'own_privileges' | 'own_tables_subscribed'

/** Is everything in chatkeep's own schema, owned by the owner of the chat, and closed to others? */
export const ownSchema: FactCheck<Code> = {
  name: 'own-schema',
  expectations: ALWAYS,
  needs: { ChatMessage: [] },
  skips: (facts) => (hasHistory(facts) ? undefined : 'nothing was migrated yet'),
  findings: (facts) => {
    // Without tables, or before the first migrate, there is nothing to be complete.
    if (!hasTable(facts, 'ChatMessage') || !hasHistory(facts)) return []
    if (facts.expectation === 'rolled-back') return privilegeFindings(facts)
    return [
      ...missingFindings(facts),
      ...conflictFindings(facts),
      ...privilegeFindings(facts),
      ...subscriptionFindings(facts),
    ]
  },
  explanations: {
    own_schema_incomplete: {
      title: `a table of chatkeep's own schema, its primary key or a column is missing, or it is closed`,
      severities: ['error'],
      meaning: `chatkeep keeps its history, and which clients were created for guests, in a schema of its own. Without
        the table guest_clients, or with row-level security but no policy on it, its store saves messages of new guests
        without a client; so it does without client_aliases, merged_clients and changed_messages, and a deleted message
        that is sent again is stored again. Without wanted_clients, a message that names a client who is not there yet is
        never linked to them. Without a primary key, a publication of all tables rejects updates and
        deletes there. Without the column guestHash of changed_messages, no message is edited or deleted. Where "ChatMessage" is partitioned, the table message_keys keeps keys unique, and without it
        nothing is saved.`,
      cause: `The table was dropped, or a restore or a copy left the schema out (pg_dump --schema=public, a logical
        subscription that does not publish it), or an earlier version created the table. Or an event trigger switches row-level security on for every new table.`,
      remedy: `Run chatkeep migrate. It creates what is missing. Which clients were created for guests is not known
        then: they count as registered, unless the table is restored from a backup. The names of renamed and merged
        clients are forgotten in the same way.`,
    },
    own_object_owner: {
      title: `an object in chatkeep's own schema belongs to another role`,
      severities: ['error'],
      meaning: `Everything there should belong to the owner of "ChatMessage", no matter who ran migrate. Otherwise the
        other role can read guest data in an archive, and the owner may be unable to migrate or to roll back. chatkeep
        neither uses nor changes such an object.`,
      cause: 'The chat tables got another owner, or somebody created an object of that name.',
      remedy: 'Find out who created the object and why, then run the ALTER … OWNER TO in the finding.',
    },
    own_object_differs: {
      title: `a table in chatkeep's own schema has other columns`,
      severities: ['error'],
      meaning: 'chatkeep cannot use the table as it is, and does not change it, because it may not be its own.',
      cause: 'It was changed by hand, or created by another version or another program.',
      remedy: 'Rename or drop it as the finding shows, then run chatkeep migrate, which creates the right one.',
    },
    own_tables_subscribed: {
      title: `a subscription writes into chatkeep's own tables`,
      severities: ['warning'],
      meaning: `Each server keeps its own history of migrations and runs. If another server's is applied here, the next
        migrate or rollback on either side makes rows with the same key, and the subscription stops.`,
      cause: `A publication FOR ALL TABLES, and ALTER SUBSCRIPTION … REFRESH PUBLICATION or a subscription created after
        migrate.`,
      remedy: `For an upgrade this is right until the switch-over: drop the subscription then, before the next migrate or
        rollback. For a permanent subscriber, publish the application's tables by name.`,
    },
    own_privileges: {
      title: `a role has a privilege in chatkeep's own schema that it does not need`,
      severities: ['warning'],
      meaning: `Roles that may insert clients need SELECT and INSERT on guest_clients, and what renaming, merging,
        editing, deleting and waiting for a client writes. Nobody but the owner needs more: a role that may delete from the history can make chatkeep apply migrations again, and the archive of a
        rollback has names and phones of guests. To read the history does no harm, and is not reported.`,
      cause: 'A GRANT by hand, or ALTER DEFAULT PRIVILEGES of the role that ran migrate.',
      remedy: `Run chatkeep migrate, which revokes it; chatkeep migrate --dry-run shows the statement. After a rollback, run
        the REVOKE in the finding.`,
    },
  },
}

const hasHistory = (facts: Facts): boolean =>
  facts.own.found !== undefined || migrationState(facts, 'create-chat-tables') === 'applied'

const missingFindings = (facts: Facts): readonly Finding<Code>[] => {
  const { own } = facts
  const needed = OWN_TABLES.filter(({ temporary, parts }) => (parts === undefined ? !temporary : needsKeyTable(facts)))
  const missing = needed.flatMap((table) => {
    const found = findOwnTable(own, table.name)
    // A missing history has a check of its own.
    if (found === undefined && table.name === 'migrations') return []
    const name = qualified(own.names.schema, table.name)
    if (found === undefined) return [{ object: `table ${name}`, actual: 'missing' }]
    return [
      ...(lacksAdded(table, found.columns)
        ? [{ object: `column "${table.added?.column ?? ''}" of ${name}`, actual: 'missing' }]
        : []),
      ...(found.key === null ? [{ object: `primary key of ${name}`, actual: 'missing' }] : []),
      ...(isClosedToWriters(own, table)
        ? [{ object: `table ${name}`, actual: 'closed by row-level security without a policy' }]
        : []),
    ]
  })
  return missing.map(({ object, actual }) =>
    finding('error', 'own_schema_incomplete', {
      object,
      expected: `in schema ${quotedSchema(own.names)}`,
      actual,
      help: chatkeep('migrate'),
    }),
  )
}

const needsKeyTable = (facts: Facts): boolean =>
  isPartitioned(facts.catalog) && migrationState(facts, KEY_INDEX_MIGRATION) === 'applied'

const conflictFindings = ({ own }: Facts): readonly Finding<Code>[] =>
  ownConflicts(own).map(({ kind, object, expected, actual, fix }) =>
    finding('error', kind === 'owner' ? 'own_object_owner' : 'own_object_differs', {
      object,
      expected,
      actual,
      help: sql(fix),
    }),
  )

const subscriptionFindings = ({ own: { names, found } }: Facts): readonly Finding<Code>[] =>
  (found?.subscriptions ?? []).map((name) =>
    finding('warning', 'own_tables_subscribed', {
      object: `subscription ${escapeIdentifier(name)}`,
      expected: `without the tables of the schema ${quotedSchema(names)}`,
      actual: "writes another server's history into them",
      help: [
        sql(`DROP SUBSCRIPTION ${escapeIdentifier(name)}`, 'after the switch-over of an upgrade'),
        or("for a permanent subscriber, publish the application's tables by name"),
      ],
    }),
  )

// A role without a right that it may need is reported when --application-role names it.
const privilegeFindings = (facts: Facts): readonly Finding<Code>[] =>
  excessGrants(facts.own).map((grant) =>
    finding('warning', 'own_privileges', {
      object: grant.object.replace(/^[A-Z]+/, (kind) => kind.toLowerCase()),
      expected: `no ${grant.privilege} for ${grant.grantee}`,
      actual: 'granted',
      // After a rollback nobody wants a migrate.
      help: facts.expectation === 'migrated' ? chatkeep('migrate') : sql(revokeStatement(grant)),
    }),
  )
