import { applicationRole } from './server/application-role.js'
import { archive } from './rollback/archive.js'
import { baseColumns } from './schema/base-columns.js'
import { chatTables } from './schema/chat-tables.js'
import type { Check } from '../check.js'
import { columnDefaults } from './schema/column-defaults.js'
import { committingRoles } from './server/committing-roles.js'
import { openSchema } from './server/open-schema.js'
import { constraints } from './schema/constraints.js'
import { damagedHistory } from './history/damaged-history.js'
import { doubledKeys } from './rows/doubled-keys.js'
import { localTimeDefaults } from './schema/local-time-defaults.js'
import { mergedMessages } from './rows/merged-messages.js'
import { messageKeys } from './rows/message-keys.js'
import { durability } from './server/durability.js'
import { encoding } from './server/encoding.js'
import { enumLabels } from './schema/enum-labels.js'
import { foreignKeys } from './schema/foreign-keys.js'
import { futureMessages } from './rows/future-messages.js'
import { guestBarriers } from './schema/guest-barriers.js'
import { guestUpdateUndone } from './rollback/guest-update-undone.js'
import { guestUpdate } from './schema/guest-update.js'
import { idsTooLarge } from './rows/ids-too-large.js'
import { indexLeftovers } from './schema/index-leftovers.js'
import { migrationHistory } from './history/migration-history.js'
import { normalUsernames } from './rows/normal-usernames.js'
import { ownSchema } from './schema/own-schema.js'
import { orphanedMessages } from './rows/orphaned-messages.js'
import { ownerlessMessages } from './rows/ownerless-messages.js'
import { replicaIdentity } from './schema/replica-identity.js'
import { rollbackLeftovers } from './rollback/rollback-leftovers.js'
import { rolledBackHistory } from './rollback/rolled-back-history.js'
import { rewriteRules } from './schema/rewrite-rules.js'
import { runningChange } from './history/running-change.js'
import { replicationSlots } from './server/replication-slots.js'
import { sequencesBehind } from './schema/sequences-behind.js'
import { sequences } from './schema/sequences.js'
import { standbys } from './server/standbys.js'
import { swallowingTriggers } from './schema/swallowing-triggers.js'
import { unfilledColumns } from './schema/unfilled-columns.js'
import { uniqueColumns } from './schema/unique-columns.js'
import { unlinkedMessages } from './rows/unlinked-messages.js'
import { waitingMessages } from './rows/waiting-messages.js'
import { unverifiedWithoutGuest } from './rows/unverified-without-guest.js'

/**
 * All checks, in the order in which they run: causes before consequences. To add one, write a file with the check, its codes
 * and their explanations, and list it here.
 */
export const checks: readonly Check[] = [
  chatTables,
  rollbackLeftovers,
  archive,
  damagedHistory,
  migrationHistory,
  rolledBackHistory,
  ownSchema,
  guestUpdate,
  guestUpdateUndone,
  indexLeftovers,
  baseColumns,
  enumLabels,
  uniqueColumns,
  unfilledColumns,
  columnDefaults,
  localTimeDefaults,
  rewriteRules,
  swallowingTriggers,
  constraints,
  foreignKeys,
  guestBarriers,
  replicaIdentity,
  sequences,
  sequencesBehind,
  idsTooLarge,
  applicationRole,
  encoding,
  doubledKeys,
  messageKeys,
  orphanedMessages,
  unlinkedMessages,
  ownerlessMessages,
  waitingMessages,
  mergedMessages,
  unverifiedWithoutGuest,
  normalUsernames,
  futureMessages,
  durability,
  committingRoles,
  standbys,
  replicationSlots,
  openSchema,
  runningChange,
]
